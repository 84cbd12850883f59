// Light or dark, as chosen; "auto" follows the system. The choice stands in a cookie so that the server draws it at once.

const NAME = "callcenter_theme";

export function currentTheme() {
  return document.documentElement.dataset.bsTheme === "dark" ? "dark" : "light";
}

export function setTheme(theme) {
  document.documentElement.dataset.bsTheme = theme;
  document.cookie = `${NAME}=${theme}; path=/; max-age=31536000; samesite=lax`;
}

if (!document.cookie.includes(`${NAME}=`) && matchMedia("(prefers-color-scheme: dark)").matches) {
  document.documentElement.dataset.bsTheme = "dark";
}
