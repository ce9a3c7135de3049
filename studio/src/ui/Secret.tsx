import { ArrowBigUp, Eye, EyeOff } from "lucide-react";
import { type ComponentProps, type KeyboardEvent, useState } from "react";

import { IconButton } from "@/ui/Button";
import { Input } from "@/ui/Field";

interface SecretProps extends Omit<ComponentProps<"input">, "type"> {
  showLabel: string;
  hideLabel: string;
  capsLabel: string;
}

/** A field for a password or key: hidden unless asked, and says when Caps Lock is on. */
export function Secret({ showLabel, hideLabel, capsLabel, className, ...rest }: SecretProps) {
  const [shown, setShown] = useState(false);
  const [caps, setCaps] = useState(false);
  const look = (event: KeyboardEvent) => setCaps(event.getModifierState?.("CapsLock") ?? false);
  return (
    <div>
      <div className="relative">
        <Input
          spellCheck={false}
          autoCapitalize="none"
          {...rest}
          type={shown ? "text" : "password"}
          onKeyDown={look}
          onKeyUp={look}
          onBlur={() => setCaps(false)}
          className={`pr-10 ${className ?? ""}`}
        />
        <IconButton
          icon={shown ? EyeOff : Eye}
          label={shown ? hideLabel : showLabel}
          aria-pressed={shown}
          onClick={() => setShown(!shown)}
          size="small"
          className="absolute top-1 right-1"
        />
      </div>
      <p role="status" className={caps ? "mt-1.5 flex items-center gap-1 text-sm text-warn" : "sr-only"}>
        {caps && (
          <>
            <ArrowBigUp size={15} aria-hidden />
            {capsLabel}
          </>
        )}
      </p>
    </div>
  );
}
