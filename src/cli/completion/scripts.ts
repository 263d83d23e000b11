/** The shells that can complete command lines of birther. */
export const shells = ["bash", "zsh", "fish"] as const;

export type Shell = (typeof shells)[number];

/**
 * What each shell has to read: it asks `birther complete` with the words before the cursor, the last of which may be begun or
 * empty, and takes the lines of its answer as they are. Without an answer it offers files.
 */
export const scripts: { readonly [shell in Shell]: string } = {
  // Not compgen -W, which expands what stands in a name.
  bash: `_birther() {
  mapfile -t COMPREPLY < <("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _birther birther
`,
  zsh: `#compdef birther
_birther() {
  local -a found
  found=("\${(@f)$("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _birther birther
`,
  fish: `function __birther_candidates
  set -l words (commandline -opc) (commandline -ct)
  $words[1] complete -- $words[2..-1] 2>/dev/null
end
complete -c birther -n 'test -n "$(__birther_candidates)"' -f -a '(__birther_candidates)'
`,
};
