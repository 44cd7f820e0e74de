/**
 * The version of the wire, told to clients in the server's configuration. Any change of a message's form changes the hash
 * that tests/vectors/wire-forms.json pins, and must come with a line here that says what changed and in which order
 * servers and clients are to be deployed.
 *
 *   version   what changed                                      deploy order
 *   1         the first                                         server, then clients
 *
 * New optional fields go to the end of a message, new choices and variants to the end of theirs: old readers drop the former,
 * and must never be sent the latter before they are known to understand them.
 */
export const protocolVersion = 1;
