/** What an app may look like at one press; any other emoji can be typed. Colours are data here: they are the app's own. */

export const ICONS = ["🤖", "📘", "🏢", "🧑‍💼", "🛟", "🧾", "🌴", "🔐", "🛠️", "📦", "⚖️", "🎓", "💬", "🔎", "🧪", "🚀"] as const;

export const BACKGROUNDS = ["#E4FBCC", "#D5F5F0", "#D9E8FF", "#EDE3FF", "#FFDDE6", "#FFE4D6", "#FFF1C2", "#E7E7E4"] as const;
