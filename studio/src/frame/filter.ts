/** Which lines a typed text means: every word in any order, and Korean also by first consonants ("ㅈㅅ" finds "지식"). */

const FIRSTS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";

export function firstConsonants(text: string): string {
  return [...text]
    .map((letter) => {
      const index = letter.charCodeAt(0) - 0xac00;
      return index >= 0 && index < 11_172 ? (FIRSTS[Math.floor(index / 588)] ?? letter) : letter;
    })
    .join("");
}

export function matches(text: string, typed: string): boolean {
  const where = text.normalize("NFC").toLowerCase();
  const firsts = firstConsonants(where);
  return typed
    .normalize("NFC")
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .every((word) => where.includes(word) || (/^[ㄱ-ㅎ]+$/.test(word) && firsts.includes(word)));
}
