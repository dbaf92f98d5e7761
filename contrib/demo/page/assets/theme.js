// Chooses light or dark before anything is drawn: what was chosen here last, else what the system says.
"use strict";
{
  const chosen = localStorage.getItem("causeway-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
