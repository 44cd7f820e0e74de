declare const brand: unique symbol;

/** A value that passed its one parse door. Only that door casts; everything else takes the branded type. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
