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

said-config-setting = setting
said-config-value = value
said-config-from = from
said-config-default = default
said-config-credential = credential
said-route-not-found = there is nothing at this path; see /docs
said-plan-version = the plan no longer has this version, or not yet; it has version { $present }
said-method-not-allowed = this path answers { $methods }
said-payload-too-large = a body is at most { $most } bytes
said-media-type = a body is JSON in UTF-8: Content-Type: application/json
said-content-encoding = a body is sent as it is, without a Content-Encoding
said-host = a request of HTTP/1.1 names its Host once
said-media-type-form = a body is a form: Content-Type: application/x-www-form-urlencoded
said-form-expired = this form is too old, or does not come from a page of ours: load the page again
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
said-sale-of-other-token = saleId names another sale than the queue token: send the token of that sale, or leave saleId out
said-one-way-to-name-seats = name exactly one of seatNumber, seatNumbers and bestAvailable
said-check-in-forms = send ticket and gate (and checkedInAt, if the gate was without the network); or checkins alone, a list of such, without an Idempotency-Key
said-delivery = a delivery has 1 to { $most } check-ins
said-if-match = If-Match takes one ETag as it was answered, such as "3", or *

## Why values on the command line are refused

said-address-too = name the address, too: 127.0.0.1:{ $port } for this machine alone, 0.0.0.0:{ $again } for all networks
said-address-form = write an IP address and a port: 127.0.0.1:8080, or [::1]:8080
said-period = must be from 100ms to 1day
said-seats-age = must be at most 60s
said-connection-count = must be from 1 to 1000000
said-origin-form = an origin is * or of the form https://host or https://host:port
said-limit-form = a limit is off, or of the form 600/1m: so many in that time
said-limit-count = the number before the / must be from 1 to { $most }
said-limit-time = the time after the /: { $why }
said-limit-period = the time after the / must be from 1s to 1day
said-network-form = a network is of the form 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1
said-secret-needed = with a database URL, say which secret signs the access tokens: --jwt-secret-file, --jwt-secret, CONCERT_JWT_SECRET or a credential jwt-secret (at least 32 bytes, the same for all servers on this database)

## Pages: the frame

site = concert
skip = Skip to the content
nav = Main
nav-home = On sale
nav-orders = Orders
nav-tickets = Tickets
nav-wallet = Wallet
log-in = Log in
log-out = Log out
sign-up = Sign up
go-home = To what is on sale
go-back = Back to the form
go-to-queue = To the queue
go-to-orders = To my orders
go-to-wallet = To my wallet

## Pages: what is on sale

home-title = On sale
home-lead = Join the queue of a sale. When it is your turn, you choose your seats and pay.
nothing-on-sale = Nothing is on sale at the moment.
phase-before = Not open yet
phase-doors = Waiting room open
phase-open = On sale now
phase-closed = Closed
doors-at = Waiting room opens
opens-at = Sale opens
closes-at = Sale closes
concert-closed = Not on sale
concert-cancelled = Called off
go-in = Get tickets
see-sale = See this sale

## Pages: sign-up and log-in

username = User name
password = Password
log-in-ended = You were logged out, so nothing was done. Log in, and you are back where you were.
password-rule = At least 8 characters.
have-account = You have an account already?
no-account = You have no account yet?

## Pages: the queue

sale-join = Join the queue
sale-code = Access code, if you have one
sale-log-in = Log in to join the queue. With no account yet, sign up first.
sale-waiting-people = { $count ->
    [one] One person is waiting.
   *[other] { $count } people are waiting.
 }
sale-before = You can join once the waiting room opens.
sale-code-early = With a code, you may join before that.
sale-closed = This sale is over.
sale-drawn = The order is drawn by lot when the sale opens. Everybody who has joined by then has the same chance.
queue-your-place = Your place in the queue
queue-estimate = About { $time } to go
queue-soon = Less than a minute to go
queue-draw = You are in. Your place is drawn when the sale opens.
queue-doors = The queue moves once the sale opens.
queue-reload = This page looks again every { $seconds } seconds. You keep your place.
queue-leave = Leave the queue
queue-leave-note = Whoever leaves gives the place up, and what is held.
queue-ended = Your last turn is over. You can join again.
queue-logged-out = You were logged out here. You keep your place in the queue: log in to go on from it.
turn-title = It is your turn
turn-until = Your turn ends at { $time }.
turn-choose = Choose a concert and your seats.
turn-give-up = Give the turn up

## Pages: a concert

concert-wait = You choose seats when it is your turn.
concert-sold-out = Sold out. A seat comes back when somebody gives it back: look again in a while.
seats-free = { $count ->
    [one] one seat free
   *[other] { $count } seats free
 }
best-title = Best available
best-lead = We choose the best free seats for you.
best-count = How many
best-section = Section
best-any = Any section
best-together = Only seats beside each other
best-hold = Hold the best seats
choose-title = Choose seats yourself
choose-section = Section
choose-row = Row
choose-price = Price
choose-free = Free
choose-see-rows = Rows of { $section }
choose-see-seats = Seats of row { $row }
choose-all-sections = All sections
choose-rows-of = Section { $section }
choose-seats-of = Row { $row }
choose-up-to = You can hold up to { $count } seats at once.
choose-hold = Hold these seats
choose-none = No seat is free here.
seat = Seat { $number }
hall = The hall
price-from-to = { $from } to { $to }

## Pages: orders

order-title = Your order
order-held = Held until { $time }
order-held-note = The seats are yours until then. Pay in time, or they go back on sale.
order-total = To pay
order-balance = In your wallet
order-pay = Pay { $amount }
order-short = Your wallet has { $amount } too little.
order-recharge = Put money into the wallet
order-extend = More time
order-give-back = Give the seats back
order-paid = Paid. Enjoy the concert!
order-see-tickets = See my tickets
order-expired = The time to pay is over, so the seats went back on sale. Nothing was paid.
order-expired-called-off = The time to pay is over, so nothing was paid. The concert was called off since.
order-given-back = You gave these seats back. Nothing was paid.
order-turn-given-up = You left the queue, and these seats went back on sale. Nothing was paid.
order-released = The box office released these seats. Nothing was paid.
order-called-off = This concert was called off, so these seats are not sold any more. Nothing was paid.
order-called-off-refunded = This concert was called off, and the payment was refunded.
order-refunded = This was refunded to the wallet that paid for it.
order-again = Choose again
order-extended = You were given more time.
orders-title = My orders
orders-none = You have no orders yet.
orders-seats = { $count ->
    [one] 1 seat
   *[other] { $count } seats
 }
older = Older ones
status = State
status-held = Held
status-paid = Paid
status-expired = Lapsed
status-cancelled = Given back
status-released = Released by the box office
status-refunded = Refunded
row-seat = Row { $row }

## Pages: tickets and the wallet

tickets-title = My tickets
tickets-none = You have no tickets yet.
wallet-title = My wallet
wallet-balance = Balance
wallet-account = Account
wallet-amount = Amount
wallet-recharge-button = Put in
wallet-by-house = The box office puts money into wallets. Ask there.
wallet-history = What happened
wallet-when = When
wallet-what = What
wallet-change = Change
wallet-none = Nothing has happened yet.
wallet-kind-recharge = Put in
wallet-kind-payment = Payment
wallet-kind-refund = Refund
wallet-back = Back to the order

## Pages: refusals

trouble = That did not work
problem-title = Something is in the way
trouble-no-page = There is no page at this address.
trouble-not-there = What this address names is not here, or not any more.
trouble-not-yours = This belongs to another account. Log in with the one that it belongs to.
trouble-form = This form was too old to be used, so nothing was done. Load the page again and repeat it.
trouble-too-many-requests = That was a lot at once. Wait a moment and try again.
trouble-request = The browser sent something that this page does not take. Go back and try again.
trouble-internal = Something went wrong on our side. Try again in a moment; nothing is done twice.
trouble-busy = There is too much going on right now. Try again in a moment; nothing is done twice, and your place stays.
trouble-turn-over = Your turn is over, so this was not done and nothing was paid for it. What you held unpaid is back on sale. Join the queue again to go on.
trouble-not-in-queue = You are not in the queue of this sale.
trouble-hold-expired = The time to pay was over, so nothing was paid, and the seats are back on sale.
trouble-hold-given-back = These seats are not held any more, so nothing was paid.
trouble-paid-already = This is paid already. Nothing was paid twice.
trouble-balance = Your wallet has { $balance }, and this costs { $price }. Nothing was paid. Put money in, and then pay.
trouble-amount = What you hold has changed meanwhile: it costs { $price } now. Nothing was paid. Look at it and pay again.
trouble-seat-yours = You hold one of these seats already.
trouble-seat-taken = Somebody was faster: seat { $seats } is taken. Nothing is held; choose others.
trouble-seat-blocked = Seat { $seats } is not on sale. Nothing is held; choose others.
trouble-few-seats = { $free ->
    [one] Only one seat is left, so nothing is held.
   *[other] Only { $free } seats are left, so nothing is held.
 }
trouble-not-together = There are no { $count } free seats beside each other, so nothing is held. Take fewer, another section, or seats apart.
trouble-too-many-holds = You can hold { $limit } unpaid seats at once. Pay for what you hold, or give some back.
trouble-seat-limit = One person may have { $limit } seats here, and you may have { $left } more.
trouble-held-too-often = You held this seat and let it go several times, so others come first for { $seconds } seconds.
trouble-extended-already = You were given more time already. That works once.
trouble-turn-too-short = The seats are held until your turn ends; there is no more time than that.
trouble-not-open = The waiting room is not open yet.
trouble-closed = This is not on sale any more. What you hold can still be paid.
trouble-over = This concert is over.
trouble-cancelled = This concert was called off. Whoever has paid gets the money back.
trouble-code = This code does not count. It may be mistyped, used up, or for another sale.
trouble-sent-twice = This form was sent already, from here or another tab, with something else in it. It was not done again; look at what you have.
trouble-credentials = The user name or the password is wrong.
trouble-name-taken = Somebody has this name already. Choose another one.
trouble-disabled = This account is disabled. Ask the box office.
trouble-no-recharge = The box office puts money into wallets here.
trouble-balance-limit = A wallet cannot have that much.
trouble-username = A user name is 1 to 64 letters, digits and signs, with single spaces between words.
trouble-password = A password has 8 to 256 characters.
trouble-wallet-amount = Write an amount, such as 50.
trouble-choose = Choose at least one seat.
sale-concerts = Concerts
order-seat = Seat
order-give-back-this = Give back
order-give-back-one = Give back: { $seat }

## Texts of scripts

script-turn = It is your turn

# The operators' page.
admin-title = Box office desk
admin-no-script = This page needs JavaScript. concert-cli does the same from a terminal.
admin-log-in-title = Log in with an operator key
admin-key = Operator key
admin-key-hint = From concert-cli key make. It stays in this tab and goes to this server alone.
admin-enter = Log in
admin-leave = Log out
admin-role = Role
admin-parts = Parts of the desk
admin-figures = Figures
admin-sales = Sales
admin-halls = Halls
admin-refunds = Refunds
admin-log = Log
admin-queue-plot = People in the queue
admin-flow-plot = Joined and let in, per second
admin-seats-plot = Seats held and sold
admin-revenue-plot = Revenue, net of refunds
admin-refusals-plot = Refusals per second, by this server
admin-latency-plot = Slowest of a hundred calls (p99) in ms, by this server
admin-concerts = Concerts
admin-refusals-table = Refusals by this server since it started, by code
admin-concert = Concert
admin-seats = Seats
admin-free = Free
admin-held = Held
admin-sold = Sold
admin-blocked = Blocked
admin-code = Code
admin-count = Count
admin-payments = Payments
admin-revenue = Revenue
admin-waiting = Waiting
admin-inside = Inside
admin-joined = Joined
admin-let-in = Let in
admin-refusals = Refusals
admin-join = Join
admin-hold = Hold
admin-pay = Pay
admin-time = Time
admin-sale = Sale
admin-again = Load again
admin-doors-at = Doors (your local time)
admin-opens-at = Opening (your local time)
admin-closes-at = End (your local time)
admin-max-active = People inside, at most
admin-per-minute = Let in per minute, at most (empty: no limit)
admin-max-seats = Seats per person, at most (empty: no limit)
admin-paused = Paused: nobody is let in
admin-save = Save
admin-hall-plan = Plan of the hall. A click on a seat explains it; the field below does the same for the keyboard.
admin-seat-numbers = Seat numbers, such as 1-4, 9
admin-seats-reason = Why they are blocked
admin-explain = Explain the first
admin-block = Block
admin-unblock = Put back on sale
admin-explanation = What happened to this seat
admin-next = What will happen
admin-to-refund = Refund this seat
admin-cancel-title = Call this concert off
admin-cancel-hint = Every payment is refunded, every hold ends, and no seat is sold again. It cannot be undone.
admin-reason = Reason, for the record
admin-dry-run = Show what it comes to
admin-call-off = Call it off
admin-progress = Payments refunded
admin-refund-title = Give a payment back
admin-payment = Payment id
admin-refund-seat = The seat is then
admin-to-sale = on sale again
admin-off-sale = off sale
admin-refund = Refund
admin-more = Older entries
admin-who = Who
admin-act = What
admin-subject = Of what
admin-change = Before and after

# What its script says; {name} stands for a value that it fills in.
admin-word-unreachable = The server cannot be reached. Try again.
admin-word-as-of = As of { $time }
admin-word-sale-state = { $phase }; { $waiting } wait, { $active } are inside; version { $version }; the server says { $now }
admin-word-role-viewer = viewer
admin-word-role-gate = gate
admin-word-role-operator = operator
admin-word-phase-before = Doors shut
admin-word-phase-doors = Doors open
admin-word-phase-open = Open
admin-word-phase-closed = Closed
admin-word-status-closed = closed
admin-word-status-cancelled = called off
admin-word-saved = Saved.
admin-word-nothing-changed = Nothing was changed.
admin-word-changed-meanwhile = Somebody has changed the sale meanwhile. This is how it is now; nothing of yours was saved.
admin-word-which-seats = Say which seats: numbers and ranges, such as 1-4, 9.
admin-word-seat-of = { $name } has it.
admin-word-seats-changed = Changed: { $changed }. Refused: { $refused }
admin-word-would-cancel = It would refund { $payments } payments, { $amount } in all, and end { $holds } holds.
admin-word-cancelling = { $refunded } of { $payments } payments are refunded, { $amount } so far.
admin-word-cancelled = Called off. { $refunded } payments were refunded, { $amount } in all.
admin-word-refunded = { $amount } for seat { $seat } was given back; the balance is { $balance } now.
## Texts of scripts

script-turn-choose = Choose a concert and your seats.
script-logged-out = You were logged out
script-logged-out-more = You keep your place in the queue. Log in to go on from it.
script-turn-warning = Your turn ends in a minute.
script-hold-warning = One minute is left to pay. Do you need more time?
script-hold-last-minute = One minute is left to pay.
script-more-time = More time
script-bell-ask = Tell me by sound and notification
script-bell-on = You will be told by sound and notification
script-live = Your place is shown live. You may use other tabs; you keep your place.
script-unsure = Not sure: nothing was heard for { $time }. Trying to reach the server; you keep your place.
script-soon = Less than a minute to go
script-estimate = About { $time } to go
script-doors = The queue moves once the sale opens.
script-plan = Plan of the hall
script-plan-help = Choose a section to come closer, then choose seats. The list below has the same seats.
script-plan-keys = With keys: arrows go from seat to seat, Enter chooses, Page Up and Page Down change the section, + and − zoom.
script-plan-help-looking = Choose a section to come closer.
script-plan-keys-looking = With keys: arrows go from seat to seat, Page Up and Page Down change the section, + and − zoom.
script-front = Front
script-view = View
script-zoom-in = Come closer
script-zoom-out = Go back
script-whole-hall = Whole hall
script-legend = Signs and prices
script-state-free = free
script-state-held = held
script-state-sold = sold
script-state-blocked = not on sale
script-state-chosen = chosen
script-mark-accessible = accessible
script-mark-restricted-view = restricted view
script-mark-aisle = at the aisle
script-row = Row { $row }
script-seat = Seat { $number }
script-from = from { $price }
script-free-short = { $count } free
script-chosen = Your choice
script-chosen-count = Seats chosen: { $count }
script-hold-count = Hold these seats ({ $count })
script-remove = Do not take { $seat }
script-too-many = You may choose { $count } seats at most.
script-not-your-turn = You choose seats when it is your turn.
script-lost = Somebody was faster: { $seats }. Choose others.
script-no-answer = No answer came. Press the button again: nothing is held twice.
script-new-plan = Seats or prices have changed. The plan is new.
script-plan-live = The plan is live.
script-plan-unsure = Not sure: the plan may be out of date. Trying to reach the server.
script-no-plan = The plan cannot be shown now. Use the list below.
## A ticket, and the door

ticket-title = Ticket
ticket-qr = The QR code of this ticket
ticket-hint = Show this at the door, on the screen or on paper. Whoever has it gets in with it once, so show it to nobody else.
ticket-number = Ticket
ticket-version = Version
ticket-holder = Holder
ticket-used = Used
ticket-gate = gate { $gate }
ticket-void = Void
ticket-void-refunded = It was refunded.
ticket-void-cancelled = The concert was called off. Whoever has paid gets the money back.
door-title = Door
door-needs-script = This page reads tickets by a script. Turn scripts on, or check tickets in over the REST interface.
door-key = Operator key
door-key-hint = Kept in this tab alone, until it is closed.
door-gate = Name of this gate
door-concert = Concert
door-go-on = Go on
door-ready = Ready
door-camera = The camera
door-code = Scan with a hand scanner, or paste what the QR code says
door-check = Check in
door-conflicts = To look at: let in without the network, and not so by the records

## Texts of the door's script

script-door-in = Come in
script-door-stop = Stop
script-door-seat = seat { $seat }
script-door-row = row { $row }
script-door-alone = checked without the network
script-door-already = Already in since { $time }, gate { $gate }
script-door-void-refunded = Void: it was refunded
script-door-void-moved = Void: it has another owner now
script-door-void-cancelled = Void: the concert was called off
script-door-other-concert = For another concert
script-door-unreadable = This is no ticket
script-door-forged = Forged or damaged
script-door-old-key = Its key counts no more: have its owner open the ticket again
script-door-unknown = Nobody has bought this ticket
script-door-unsure = This browser cannot verify tickets without the network
script-door-key-refused = This operator key does not count here
script-door-viewer-key = This key may look and lets nobody in: a gate needs a key of the role gate
script-door-no-network = The server does not answer. Go on once it does.
script-door-no-concerts = There are no concerts
script-door-no-camera = No camera here that reads QR codes: use a hand scanner, or paste the code
script-door-online = Connected
script-door-offline = Without the network
script-door-waiting = { $count } to deliver
script-door-conflict = { $time }: { $why }
