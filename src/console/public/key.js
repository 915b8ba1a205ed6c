// The API key of this tab, asked for when the server wants one. It is kept in the session storage, so it goes with the
// tab, and it is never part of a URL.

const slot = 'tidewatch.key';
let asking = null;

export const currentKey = () => sessionStorage.getItem(slot);

export const authorization = () => {
  const key = currentKey();
  return key === null ? {} : { authorization: `Bearer ${key}` };
};

export function forgetKey() {
  sessionStorage.removeItem(slot);
}

/** Resolves when a key has been given; however many ask, the form is shown once. */
export function askForKey(form) {
  asking ??= new Promise((resolve) => {
    form.querySelector('[role="alert"]').textContent =
      currentKey() === null ? '' : 'The server does not take this key.';
    forgetKey();
    form.hidden = false;
    form.elements.key.focus();
    form.onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(slot, form.elements.key.value.trim());
      form.reset();
      form.hidden = true;
      asking = null;
      resolve();
    };
  });
  return asking;
}
