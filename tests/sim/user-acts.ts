/** What users do in their folders, by weight. */
export const acts = {
  create: 16,
  folder: 8,
  edit: 10,
  editLine: 8,
  insert: 3,
  append: 4,
  atomicSave: 8,
  slowWrite: 4,
  empty: 1,
  copy: 4,
  move: 14,
  moveOver: 4,
  swap: 6,
  changeCase: 2,
  remove: 8,
  removeFolder: 4,
  mode: 3,
  link: 3,
  changeKind: 3,
} as const;
export type Act = keyof typeof acts;
