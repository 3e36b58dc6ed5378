# Texts of the server: pages and problems. ko.ftl has the same ids with the same variables; the build compares them.
# Texts whose id begins with `script-` go to scripts as JSON; they may only have text and { $names }.

## Titles of problems, by status (RFC 9457): the reason phrases of HTTP

title-400 = Bad Request
title-401 = Unauthorized
title-403 = Forbidden
title-404 = Not Found
title-405 = Method Not Allowed
title-408 = Request Timeout
title-409 = Conflict
title-410 = Gone
title-412 = Precondition Failed
title-413 = Payload Too Large
title-415 = Unsupported Media Type
title-422 = Unprocessable Entity
title-429 = Too Many Requests
title-500 = Internal Server Error
title-503 = Service Unavailable

## Sentences that are said where they arise, in English. Their Korean is found by the English; a variable is any text

said-route-not-found = there is nothing at this path; see /docs
said-method-not-allowed = this path answers { $methods }
said-payload-too-large = a body is at most { $most } bytes
said-media-type = a body is JSON: Content-Type: application/json
said-body-too-slow = the body took too long to arrive
said-too-many = too many { $what }; try again in { $seconds } s
said-calls-from-address = calls from this address
said-joins-from-address = calls that join the queue from this address
said-log-ins-from-address = log-ins from this address
said-sign-ups-from-address = sign-ups from this address
said-attempts-from-address = log-ins or sign-ups with this name from this address
said-calls-by-user = calls by this user
said-joins-by-user = calls that join the queue by this user
said-give-backs-by-user = holds given back by this user
said-codes-from-address = access codes that do not count from this address
said-codes-by-user = access codes that do not count by this user
said-connections = too many connections are open; try again shortly
said-connections-from-address = too many connections are open from this address; try again shortly
said-streams-here = too many event streams are open on this connection; poll instead, or open another connection
said-streams = too many event streams are open; poll instead
said-either-codes = say either codes or all
said-starts-at = startsAt is a time by the clocks of the venue, such as 20:00, or an instant of the date
said-starts-at-date = startsAt is { $local } in { $zone }, which is not on { $date }
said-section-rows = a section has rows, or rows and seats as two numbers, or seats alone
said-both-x-y = a row has both x and y, or neither
said-x-y-numbers = x and y are a number, or a list of as many as the row has seats
said-name-the-seat = name the seat: ../seat/<concert>:<number>, or ?seatNumber=
said-whole-seat-number = a seat number is a whole number
said-send-token = send an access token: Authorization: Bearer <token>
said-send-key = send an operator key: Authorization: Bearer concert_<key>
said-key-elsewhere = an operator key is for /api/v1/admin and for joining users; send an access token here
said-session-needed = this takes the access token of a session: log in
said-garbled = the Authorization header is not of the form: Bearer <token>
said-open-orders = open orders are all on one page: leave startingAfter out
said-not-utf8 = the body is not UTF-8: byte { $byte } is not part of a character
said-not-an-object = the body is not a JSON object
said-ended-early = the body ended early
said-the-body = the body: { $error }
said-the-query = the query: { $error }
said-missing-field = missing field { $field } at { $place }
said-missing-field-only = missing field { $field }
said-unknown-field = unknown field { $field }, expected one of { $fields }
said-key-twice = the Idempotency-Key header was sent more than once
said-bom = bom is for CSV: JSON has no byte order mark
said-seats-or-numbers = name exactly one of seatNumbers and seats
said-swapped-seats = seatNumbers are the two seats that change places
said-reservation-or-order = name exactly one of reservationId and orderId
said-one-way-to-name-seats = name exactly one of seatNumber, seatNumbers and bestAvailable
said-if-match = If-Match takes one ETag as it was answered, such as "3", or *
