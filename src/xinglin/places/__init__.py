"""Places: every pharmacy, clinic and supplier, who supplies whom, and when the door is open."""
