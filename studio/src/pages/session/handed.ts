/** The printed password, handed from the sign-in to the page that changes it, so that nobody types it twice. It lives in
    memory for that one step. */

let kept = "";

export const hand = (password: string): void => {
  kept = password;
};

export const handed = (): string => kept;
