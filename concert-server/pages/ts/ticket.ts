// The payload of a ticket: what it says, and whether it was signed here. See docs/tickets.md.

export interface PublicKey {
  keyId: string;
  publicKey: string;
}

export interface Claims {
  keyId: string;
  ticketId: string;
  concertId: string;
  seatNumber: number;
  version: number;
}

/** Why something is no ticket that counts, by the code that the server has for it. */
export class NotATicket extends Error {
  constructor(readonly code: "TICKET_UNREADABLE" | "TICKET_FORGED" | "TICKET_KEY_NOT_FOUND") {
    super(code);
  }
}

const CLAIMS_BYTES = 40;

function bytes(base64url: string): Uint8Array<ArrayBuffer> {
  if (!/^[\w-]+$/.test(base64url)) throw new NotATicket("TICKET_UNREADABLE");
  const binary = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function uuid(of: Uint8Array): string {
  const digits = Array.from(of, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** What a payload says, of which the signature is not checked. */
export function read(payload: string): Claims {
  const [form, keyId, claims, , more] = payload.split(".");
  if (form !== "v1" || !keyId || !claims || more !== undefined) throw new NotATicket("TICKET_UNREADABLE");
  const data = bytes(claims);
  if (data.length !== CLAIMS_BYTES) throw new NotATicket("TICKET_UNREADABLE");
  const numbers = new DataView(data.buffer);
  return {
    keyId,
    ticketId: uuid(data.subarray(0, 16)),
    concertId: uuid(data.subarray(16, 32)),
    seatNumber: numbers.getUint32(32),
    version: numbers.getUint32(36),
  };
}

/** What a payload says, if one of these keys has signed it. Throws `NotATicket`, or what the browser says where it cannot verify. */
export async function verify(payload: string, keys: PublicKey[]): Promise<Claims> {
  const claims = read(payload);
  const known = keys.find((key) => key.keyId === claims.keyId);
  if (!known) throw new NotATicket("TICKET_KEY_NOT_FOUND");
  const key = await crypto.subtle.importKey("raw", bytes(known.publicKey), { name: "Ed25519" }, false, ["verify"]);
  const dot = payload.lastIndexOf(".");
  const signed = new TextEncoder().encode(payload.slice(0, dot));
  const isGood = await crypto.subtle.verify({ name: "Ed25519" }, key, bytes(payload.slice(dot + 1)), signed);
  if (!isGood) throw new NotATicket("TICKET_FORGED");
  return claims;
}
