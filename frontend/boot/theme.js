// Runs before the first paint, so that a remembered theme or density never flashes through the other one.
{
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  if (localStorage.getItem("density") === "compact") document.documentElement.dataset.density = "compact";
}
