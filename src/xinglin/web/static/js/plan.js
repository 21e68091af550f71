// Drag a stop of a draft plan to another vehicle or another place in the order; the form sends it to the judge.

let dragged = null;

const stopOf = (target) => target.closest?.("tr[data-stop]");
const vehicleOf = (target) => target.closest?.("[data-vehicle]");

document.addEventListener("dragstart", (event) => {
  dragged = stopOf(event.target);
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.stop);
});
document.addEventListener("dragover", (event) => {
  const vehicle = dragged && vehicleOf(event.target);
  if (!vehicle) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "move";
});
document.addEventListener("dragend", () => {
  dragged = null;
});
document.addEventListener("drop", (event) => {
  const vehicle = dragged && vehicleOf(event.target);
  const form = document.querySelector("#move-form");
  if (!vehicle || !form) return;
  event.preventDefault();
  const before = stopOf(event.target);
  if (before === dragged) return;
  form.elements.stop.value = dragged.dataset.stop;
  form.elements.vehicle.value = vehicle.dataset.vehicle;
  form.elements.position.value = before?.dataset.position ?? "";
  form.requestSubmit();
});
