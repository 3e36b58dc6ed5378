// A client whose types come from the OpenAPI document: signs up, joins, waits for its turn, holds, pays, is refused.
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

declare const process: { argv: string[] };

function must<T>(answer: { data?: T | undefined; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

const [url = "", concertId = ""] = process.argv.slice(2);
const api = createClient<paths>({ baseUrl: url });
const password = "correct horse battery";
const username = `client ${Date.now()}`;
const user = must(await api.POST("/api/v1/users", { body: { username, password } }));
const session = must(await api.POST("/api/v1/users/login", { body: { username, password } }));
const userId = user.userId;

const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });
const joined = must(await api.POST("/api/v1/tokens", { body: { userId }, ...bearer(session.accessToken) }));
const asBuyer = bearer(joined.token);

// `status` is one of three words: another one does not compile.
let place = joined;
while (place.status !== "ACTIVE") {
  await new Promise((wake) => setTimeout(wake, 1000 * place.pollAfterSeconds));
  place = must(await api.GET("/api/v1/tokens/{userId}", { params: { path: { userId } }, ...asBuyer }));
}

const seats = must(await api.GET("/api/v1/reservations/{concertId}/seats", { params: { path: { concertId } } }));
const free = seats.find((seat) => seat.available);
if (!free) throw new Error("no seat is free");
must(await api.POST("/api/v1/payments/recharge", { body: { userId, amount: 1000 }, ...asBuyer }));

// What to hold is said in one of three ways; naming two does not compile.
const held = must(await api.POST("/api/v1/reservations", {
  body: { concertId, userId, seatNumber: free.seatNumber }, ...asBuyer,
}));
const paid = must(await api.POST("/api/v1/payments/process", {
  body: { orderId: held.orderId, amount: held.total, userId }, ...asBuyer,
}));
if (paid.status !== "success") throw new Error("not paid");

const again = await api.POST("/api/v1/reservations", {
  body: { concertId, userId, seatNumber: free.seatNumber }, ...asBuyer,
});
// `code` is one of those that this status has here.
if (again.response.status !== 409 || again.error?.code !== "SEAT_ALREADY_RESERVED") {
  throw new Error(`sold twice: ${JSON.stringify(again)}`);
}
const tickets = must(await api.GET("/api/v1/tickets", { params: { query: { userId } }, ...asBuyer }));
if (tickets.data[0]?.seatNumber !== free.seatNumber) throw new Error("no ticket");
console.log(`test-client: ${username} bought seat ${free.seatNumber} for ${held.total}`);
