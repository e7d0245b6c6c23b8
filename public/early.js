// A click on a button that comes before the page's code is there is done when it is.
{
  let clicked;
  const keep = (event) => {
    const button = event.target.closest("button[type=button]");
    if (!button) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    clicked = button;
  };
  const wake = () => {
    removeEventListener("click", keep, true);
    if (clicked?.isConnected) clicked.click();
  };
  addEventListener("click", keep, true);
  addEventListener("awake", wake, { once: true });
}
