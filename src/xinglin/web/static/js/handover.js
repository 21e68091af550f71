// Counting at the door: what is damaged, short or refused is taken off what is accepted; the sum is said at once.

const number = (input) => Number.parseInt(input.value, 10) || 0;

const count = (lot) => {
  const shipped = Number(lot.dataset.shipped);
  const inputs = [...lot.querySelectorAll("[data-outcome]")];
  const told = lot.querySelector("[data-sum]");
  const say = () => {
    const sum = inputs.reduce((all, input) => all + number(input), 0);
    const isRight = sum === shipped;
    told.textContent = (isRight ? told.dataset.right : told.dataset.wrong).replace("%sum%", String(sum));
    told.classList.toggle("text-danger", !isRight);
    lot.classList.toggle("is-changed", number(inputs[0]) !== shipped);
  };
  inputs.forEach((input) =>
    input.addEventListener("input", () => {
      if (input.dataset.outcome !== "accepted") {
        const others = inputs.slice(1).reduce((all, other) => all + number(other), 0);
        inputs[0].value = String(Math.max(0, shipped - others));
      }
      say();
    }),
  );
  say();
};

document.querySelectorAll("[data-count]").forEach(count);
