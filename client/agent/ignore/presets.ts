/** Rules for what tools make anew by themselves. Who adds a preset says that nothing of theirs has such names. */
export const presets = {
  node: [
    'node_modules/',
    '.npm/',
    '.yarn/cache/',
    '.pnp.*',
    '.next/',
    '.nuxt/',
    '.turbo/',
    '*.tsbuildinfo',
    'npm-debug.log*',
  ],
  python: [
    '__pycache__/',
    '*.py[cod]',
    '.venv/',
    'venv/',
    '.tox/',
    '.mypy_cache/',
    '.pytest_cache/',
    '.ruff_cache/',
    '*.egg-info/',
  ],
  rust: ['target/debug/', 'target/release/', '**/*.rs.bk'],
  java: ['*.class', '.gradle/', 'hs_err_pid*', 'target/classes/', 'target/test-classes/'],
  dotnet: ['[Bb]in/Debug/', '[Bb]in/Release/', '[Oo]bj/Debug/', '[Oo]bj/Release/', '.vs/', '*.user'],
  go: ['*.test', '*.prof', '__debug_bin*'],
  latex: ['*.aux', '*.bbl', '*.bcf', '*.blg', '*.fdb_latexmk', '*.fls', '*.synctex.gz', '*.toc'],
  macos: ['.DS_Store', '._*', '.AppleDouble', '.Spotlight-V100/', '.Trashes/', '.fseventsd/'],
  windows: ['Thumbs.db', 'ehthumbs.db', '[Dd]esktop.ini', '$RECYCLE.BIN/', '~$*'],
  editors: ['*.swp', '*.swo', '*~', '.#*', '.idea/workspace.xml', '.vscode/.ropeproject', '.~lock.*#'],
} as const;

export type PresetName = keyof typeof presets;

export const presetNames = Object.keys(presets).filter((name): name is PresetName => name in presets);

export function isPresetName(name: string): name is PresetName {
  return Object.hasOwn(presets, name);
}
