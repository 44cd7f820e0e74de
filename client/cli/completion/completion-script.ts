/** The completion script of a shell. Everything is in the script: pressing Tab starts no process. */
import type { CommandWords } from './program-words.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** In single quotes, for any of the three shells that have no escapes there. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function flagsOf({ options }: CommandWords): string[] {
  return options.flatMap(({ flags }) => flags);
}

/** `"devices revoke"` in a `case` of bash or zsh. */
const pattern = (path: string): string => `"${path}"`;

/**
 * Walks the words before the cursor to the command that they name; options, and whatever follows one that takes a value, name none.
 * Bash 3.2 (macOS) has no associative arrays, so tables are `case`s.
 */
function bashScript(all: readonly CommandWords[]): string {
  const groups = all.filter(({ commands }) => commands.length > 0);
  const children = groups.map(
    ({ path, commands }) => `    ${pattern(path)}) echo ${quoted(commands.map(({ name }) => name).join(' '))} ;;`,
  );
  const flags = all.map((each) => `    ${pattern(each.path)}) echo ${quoted(flagsOf(each).join(' '))} ;;`);
  const firsts = all
    .filter(({ choices }) => choices.length > 0)
    .map(({ path, choices }) => `    ${pattern(path)}) echo ${quoted(choices.join(' '))} ;;`);
  const values = all.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .flatMap(({ flags: names, choices }) =>
        names.map((name) => `    ${pattern(`${path} ${name}`)}) echo ${quoted(choices.join(' '))} ;;`),
      ),
  );
  return `# tide completion for bash: source <(tide completion bash)
_tide_commands() { case "$1" in
${children.join('\n')}
esac; }
_tide_flags() { case "$1" in
${flags.join('\n')}
esac; }
_tide_choices() { case "$1" in
${firsts.join('\n')}
esac; }
# Succeeds for an option that takes a value, and prints its choices.
_tide_value() { case "$1" in
${values.join('\n')}
    *) return 1 ;;
esac; }
_tide() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" path='' word i skip=0 words
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if ((skip)); then skip=0; continue; fi
    if _tide_value "$path $word" >/dev/null; then skip=1; continue; fi
    case " $(_tide_commands "$path") " in
      *" $word "*) path="\${path:+$path }$word" ;;
    esac
  done
  COMPREPLY=()
  if ((skip)); then
    words="$(_tide_value "$path \${COMP_WORDS[COMP_CWORD-1]}")"
  elif [[ "$cur" == -* ]]; then
    COMPREPLY=($(compgen -W "$(_tide_flags "$path")" -- "$cur"))
    return
  else
    words="$(_tide_commands "$path") $(_tide_choices "$path")"
  fi
  if [[ -n "\${words// /}" ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  else
    compopt -o filenames 2>/dev/null
    local IFS=$'\\n'
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}
complete -F _tide tide`;
}

/** Zsh runs bash's script in its own emulation of bash's completion. */
function zshScript(all: readonly CommandWords[]): string {
  return `#compdef tide
# tide completion for zsh
autoload -U +X bashcompinit && bashcompinit
${bashScript(all)}`;
}

/** Succeeds where the words before the cursor, options aside, begin with these. */
const fishFunction = `function __tide_is
    set -l words (string match -v -- '-*' (commandline -opc))
    set -e words[1]
    test (count $words) -ge (count $argv); and test "$words[1..(count $argv)]" = "$argv"
end`;

function fishLines(each: CommandWords): string[] {
  const { path, commands, options, choices } = each;
  const below = commands.map(({ name }) => name).join(' ');
  const after = path === '' ? [] : [`__tide_is ${path}`];
  const here = [...after, ...(below === '' ? [] : [`not __fish_seen_subcommand_from ${below}`])].join('; and ');
  const condition = here === '' ? '' : ` -n ${quoted(here)}`;
  return [
    ...commands.map(({ name, description }) => `complete -c tide -f${condition} -a ${name} -d ${quoted(description)}`),
    ...(choices.length === 0 ? [] : [`complete -c tide -f${condition} -a ${quoted(choices.join(' '))}`]),
    ...options.map(({ flags, description, takesValue, choices: values }) => {
      const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
      const value = takesValue ? ` -r${values.length === 0 ? '' : ` -f -a ${quoted(values.join(' '))}`}` : '';
      return `complete -c tide${condition} ${names.join(' ')}${value} -d ${quoted(description)}`;
    }),
  ];
}

export function completionScript(shell: Shell, all: readonly CommandWords[]): string {
  switch (shell) {
    case 'bash':
      return bashScript(all);
    case 'zsh':
      return zshScript(all);
    case 'fish':
      return ['# tide completion for fish', fishFunction, ...all.flatMap(fishLines)].join('\n');
  }
}
