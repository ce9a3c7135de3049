/** The few words of the button itself; the page in the frame has its own. */
export const WORDS = {
  en: {
    open: "Open the chat",
    close: "Close the chat",
    title: "Chat",
    refused: "The chat cannot be shown on this page.",
    elsewhere: "Open it in a window of its own",
  },
  ko: {
    open: "대화 열기",
    close: "대화 닫기",
    title: "대화",
    refused: "이 페이지에서는 대화창을 표시할 수 없습니다.",
    elsewhere: "새 창에서 열기",
  },
} as const;
