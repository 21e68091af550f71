// A basket adds itself up while one types: packs to base units, units to yuan to the fen, as the service does.

const yuan = (fen) => "¥" + (fen / 100).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

// A price has four places: whole ten-thousandths keep the sum exact.
const lineFen = (units, price) => Math.round((units * Math.round(Number(price) * 10_000)) / 100);

const addUp = (basket) => {
  let total = 0;
  for (const line of basket.querySelectorAll("[data-line]")) {
    const packs = Number(line.querySelector("input[type=number]").value);
    const units = Number.isInteger(packs) && packs > 0 ? packs * Number(line.dataset.packSize) : 0;
    const fen = lineFen(units, line.dataset.price);
    line.querySelector("[data-units]").textContent = units.toLocaleString("en-US");
    line.querySelector("[data-amount]").textContent = yuan(fen);
    total += fen;
  }
  const sum = basket.querySelector("[data-total]");
  if (sum) sum.textContent = yuan(total);
};

document.addEventListener("input", (event) => {
  const basket = event.target.closest("[data-basket]");
  if (basket && event.target.matches("[data-line] input[type=number]")) addUp(basket);
});
