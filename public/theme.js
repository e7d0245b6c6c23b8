// The chosen theme and contrast, before the first paint.
try {
  const root = document.documentElement.dataset;
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") root.theme = theme;
  const contrast = localStorage.getItem("contrast");
  if (contrast === "more" || contrast === "normal") root.contrast = contrast;
} catch {}
