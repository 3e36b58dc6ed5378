# Texts of the library. ko.ftl has the same ids with the same variables; the build compares them.

## Lengths of time

seconds = { $count ->
    [one] { $count } second
   *[other] { $count } seconds
 }
minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
 }
hours = { $count ->
    [one] { $count } hour
   *[other] { $count } hours
 }
days = { $count ->
    [one] { $count } day
   *[other] { $count } days
 }

## Refusals, by code: the sentences of `Error`

wrong-amount = the price is { $price }; the amount given was { $amount }
balance-limit = a balance is at most { $most }; this one is { $balance }
ticket-unreadable = this is no ticket of a box office: one reads v1.<key id>.<ticket>.<signature>, all of it
ticket-forged = this ticket is forged or damaged: its signature does not fit what it says
bad-credentials = the username or the password is wrong
login-required = this user has a password: log in and send the access token
token-ended = this queue token has ended; join the queue again or log in
not-yours = this belongs to another user
recharge-not-allowed = wallets are recharged by operators here
role-not-allowed = this takes the role { $needed }, and this operator key has the role { $role }
token-not-active = an ACTIVE queue token is needed; { $status ->
    [waiting] this one is still WAITING
    [none] this user has none: join the queue
   *[ended] this one has ended
 }
user-disabled = this user is disabled; ask the box office
user-not-found = there is no such user
token-not-found = this user is not in the queue
token-unknown = there is no such queue token
concert-not-found = there is no such concert
seat-not-found = this concert has no seat { $seat }
section-not-found = this concert has no section { $section }
reservation-not-found = there is no such reservation
payment-not-found = there is no such payment
sale-not-found = there is no such sale
ticket-not-found = there is no such ticket
ticket-key-not-found = this box office has no such ticket key
code-not-found = this sale has no such code
operator-key-not-found = there is no such operator key
order-not-found = there is no such order
username-taken = this username is taken
concert-exists = this concert is there already
sale-exists = there is a sale of this name already
version-changed = this has changed since: look at it again; its version is { $version } now
sale-not-open = this sale is not open yet
doors-not-open = the doors of this sale open at { $doors }; it is { $now } now
sale-closed = this sale is closed; what is held can still be paid
draw-made = the draw of this sale is made; what it depends on cannot be changed
order-settled = people have joined this sale in the order { $order }, which stays; another order is for a sale that nobody has joined
code-refused = this code does not count here; it may be mistyped, used up or of another sale
codes-already-made = codes were made for this idempotency key already, at { $moment }, and are shown only once; if they are lost, revoke them and make others with another key
seat-limit = one user may have at most { $limit } seats of this { $of }; { $left ->
    [0] this user has them all
   *[other] this user may have { $left } more
 }
already-in-queue = this user is already in the queue; to resume, send the session or the queue token
seat-already-reserved = { $count ->
    [one] seat { $seats } is
   *[other] seats { $seats } are
 } already reserved
seat-held-by-you = { seat-already-reserved }; you hold { $yours } yourself
seat-of-reservation = seat { $seat } by reservation { $reservation }
not-enough-seats = { $free ->
    [0] no seats are free
    [one] only { $free } seat is free
   *[other] only { $free } seats are free
 }
seats-not-together = no { $count } seats are free beside each other
seat-blocked = { $count ->
    [one] seat { $seats } is
   *[other] seats { $seats } are
 } not on sale
seats-not-reserved = nobody has either of these seats, so there is nothing to swap
too-many-holds = at most { $limit } unpaid seats can be held at once{ $held ->
    [0] ; pay or give one back
   *[other] , and you hold { $held }; pay or give one back
 }
seat-held-too-often = seat { $seat } was let go { $times } times in a row by this user; others come first for { $wait } s
hold-already-extended = the deadline is already extended; that is possible only once
hold-outlasts-turn = the hold already lasts until the turn ends, and this turn can last no longer
concert-over = this concert is over
concert-closed = this concert is not on sale
concert-cancelled = this concert was called off; what was paid for it is refunded
ticket-void = this ticket is void: { $reason ->
    [refunded] it was refunded
    [moved] it has another owner now, who has a newer one
   *[cancelled] the concert was called off
 }
ticket-for-other-concert = this ticket is for another concert
ticket-key-retired = this ticket is signed with a key that was retired at { $moment }; its owner finds a new one under the tickets
already-checked-in = this ticket was checked in already: at { $moment }, gate { $gate }
already-paid = this reservation is already paid
already-refunded = this payment is already refunded
insufficient-balance = the balance is { $balance } and the price is { $price }; recharge first
reference-used = this reference was credited to this user already: { $amount }, at { $moment }
hold-expired = the hold has lapsed; reserve the seat again
hold-cancelled = the hold was given back; reserve the seat again
token-expired = this queue token has ended; join the queue again
idempotency-key-reused = this idempotency key was used with another request
overloaded = too many requests are waiting ({ $lane }); try again shortly
database-unavailable = the database is not available now; try again shortly
shut-down = this box office has been shut down
database-setup = the database cannot be used: { $why }
internal = an internal error

## Sentences that are said where they arise, in English. Their Korean is found by the English; a variable is any text

said-code-kind = a code is of the kind PRESALE or FRONT
said-code-length = a code has at most { $most } characters
said-codes-made = 1 to { $most } codes are made at once, not { $count }
said-code-uses = a code has 1 to { $most } uses, not { $count }
said-code-or-id = this is neither a code nor the id of one
said-codes-revoked = 1 to { $most } codes are revoked at once, or all
said-after-code = startingAfter is not a code of this sale
said-after-log = startingAfter is not an entry of the log
said-after-order = startingAfter is not an order of this user
said-after-ticket = startingAfter is not a ticket of this user
said-after-concert = startingAfter is no concert
said-after-payment = startingAfter is not a payment of this user
said-after-entry = startingAfter is not a wallet entry of this user
said-after-reservation = startingAfter is not a reservation of this user
said-not-called-off = this concert is not called off
said-after-check-in = startingAfter is no check-in of this concert
said-void-page = a page has 1 to 1000 void tickets
said-ticket-keys = at most { $most } keys of tickets are in force at once; retire one first
said-gate = the name of a gate is 1 to { $most } characters, without control characters and without white space at its ends
said-check-in-to-come = checkedInAt is in the future; look at the clock of this gate
said-check-in-long-ago = checkedInAt is more than 24 hours ago; check-ins are delivered within a day
said-ticket-key-id = ticket key id
said-ticket-there = this user has the ticket already
said-seat-goes = the seat of a refund goes TO_SALE or OFF_SALE
said-two-seats = name two different seats
said-reference-needed = say which payment the recharge stands for: its reference
said-draw-to-come = the draw of this sale is still to come: it is made at the opening
said-no-draw = this sale has no draw: it is ordered by arrival
said-no-tokens-here = access tokens are not in use here
said-session-ended = this session has ended; log in again
said-token-not-valid = the access token is not valid
said-token-has-expired = the access token has expired
said-operator-key-not-valid = the operator key is not valid
said-hexadecimal = these must be 64 hexadecimal digits
said-idempotency-key = an idempotency key is 1 to { $most } printable ASCII characters, a UUID for instance
said-cancel-concert = a concert is called off by cancelling it, which refunds what was paid
said-concert-name = the name of a concert is 1 to { $most } characters, no spaces around
said-row-name = the name of a row is 1 to { $most } characters, no spaces around
said-sale-name = the name of a sale is 1 to { $most } characters, no spaces around
said-concert-years = the date of a concert is in the years { $first } to { $last }
said-whole-second = a concert starts at a whole second
said-concert-limit = a user may have 1 to { $most } seats of a concert, or any number
said-concert-status = the status of a concert is ON_SALE, CLOSED or CANCELLED
said-row-seats = a row has 1 to { $most } seats
said-hall-parts = a hall has at least one part, and each part at least 1 seat
said-added-seats = at most { $most } seats are added at once
said-made-up-seats = at most { $most } seats are made up at once
said-mark = a mark is a word, or words with one _ between them: 1 to { $most } letters and digits, such as ACCESSIBLE or RESTRICTED_VIEW
said-same-sections = two sections with rows are { $same }: nobody could tell their rows apart
said-same-numbers = two seats have the number { $number }; a number names one seat of the concert
said-empty-section = a section has at least 1 seat, and in each of its rows
said-concert-seats = a concert has 1 to { $most } seats
said-row-places = row { $row } has { $count } seats: it needs as many places, all different and from 1 on
said-row-points = row { $row } has { $count } seats: it needs as many points
said-same-rows = two rows of a section are called { $row }
said-marked-elsewhere = seat { $seat } is marked { $mark }, and is not in that section
said-marks-length = the marks of a section have at most { $most } characters together
said-whole-amount = an amount in { $code } is a whole number, without decimal places; not { $amount }
said-no-currency = { $text } is no ISO 4217 currency; write one such as KRW, USD or EUR, in capitals
said-currency-places = amounts in { $code } have { $places } decimal places, and the database holds { $most }; choose another currency
said-amount-places = an amount has at most two decimal places
said-amount-negative = an amount is not negative
said-amount-zero = an amount is more than 0
said-amount-number = an amount is a number from 0 to { $most } with at most two decimal places
said-amount-most = an amount is at most { $most }
said-no-zone = { $text } is no IANA time zone; write one such as Asia/Seoul, Europe/Berlin or UTC
said-export-format = the format of an export is csv or json
said-export-kind = an export is of payments, seats, entries or attendees
said-places-seats = { $places } places for { $seats } seats
said-seat-twice = seat { $seat } is named more than once
said-place-from-one = a place in a row is a number from 1
said-place-twice = place { $place } is named more than once
said-seats-named = name 1 to { $most } seats
said-no-uuid = the { $what } is not a UUID of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx
said-user-id = user id
said-concert-id = concert id
said-sale-id = sale id
said-code-id = code id
said-token-id = token id
said-reservation-id = reservation id
said-order-id = order id
said-payment-id = payment id
said-entry-id = wallet entry id
said-session-id = session id
said-key-id = key id
said-log-entry-id = log entry id
said-seat-number = a seat number is from 1 to { $most }, not { $number }
said-hidden-character = { $rule }; { $code } cannot be seen for what it is
said-username = a username is 1 to 64 characters, without control characters and without white space at its ends
said-username-spaces = a username is 1 to 64 characters, without control characters and without white space at its ends; between two words is one space
said-username-other = a username is 1 to 64 characters, without control characters and without white space at its ends; { $why }
said-character-hidden = { $code } cannot be seen for what it is
said-character-other = { $code } is no letter, digit or ASCII punctuation, and no others are part of one
said-characters-together = its characters do not go together
said-role = a role is viewer, gate or operator
said-keys-in-force = at most { $most } keys are in force at once; revoke one first
said-operator-name = an operator's name is 1 to { $most } characters, without control characters and without white space at its ends
said-reason = a reason is 1 to { $most } characters, without control characters and without white space at its ends
said-page = a page has 1 to { $most } objects, not { $count }
said-entry-order = an order is arrival or draw
said-concert-over-new = the concert would be over before it is added: its date is { $date }
said-concert-over = the concert would be over: its date would be { $date }
said-instants-close = the sale closes at { $at }, which must be after its doors and its opening
said-instants-past = the sale would close at { $at }, which is long past (it is { $now }); to end it at once, close it now
said-instants-over = the sale would be over before it is made: it closes at { $at }
said-instants = { $first } at { $from }, which must not be after { $second } ({ $to })
said-doors-open = the doors open
said-sale-opens = the sale opens
said-sale-closes = the sale closes
said-recharged-by = recharges are made by everyone or by operators
said-admission-change = say what to change: maxActive, perMinute or both
said-sale-change = say what to change about the sale
said-to-pause = { $name } must be from 1 to { $most }; to let nobody in, pause the queue
said-from-one = { $name } must be from 1 to { $most }
said-default-sale = the default sale is always open and ordered by arrival; add a sale for what opens or is drawn
said-public-value = the public value must have 1 to { $most } characters, without line breaks and without spaces at its ends
said-public-value-of-draw = this sale is ordered by arrival: only a draw takes a public value
said-order-costs = an order costs at most { $most }
said-order-seats = an order is of 1 to { $most } seats
said-seat-ranges = seats are numbers and ranges of numbers, as in 1-20,25; { $text } is neither
said-seat-range = a range of seats goes from the lower number to the higher, { $range }
said-seats-at-once = at most { $most } seats at once
said-password = a password is { $least } to { $most } bytes
said-reference = a reference is 1 to { $most } printable ASCII characters, without white space at its ends
said-not-migrated = its schema is missing or out of date

## Why values are refused, as the libraries that read them say it

said-value-empty = value was empty
said-integer-empty = cannot parse integer from empty string
said-integer-digit = invalid digit found in string
said-integer-large = number too large to fit in target type
said-integer-small = number too small to fit in target type
said-integer-range = { $number } is not in { $first }..={ $last }
said-time-character = invalid character at { $place }
said-time-number = expected number at { $place }
said-time-unit = time unit needed, for example { $number }sec or { $again }ms
said-time-other-unit = unknown time unit { $unit }, supported units: { $units } (and few variations)
said-time-large = number is too large or cannot be represented without a lack of precision (values below 1ns are not supported)

## Settings: of a policy, and of the file that both programs read

said-duration-of-policy = { $name } must be from 1 second to 366 days
said-seat-pause-of-policy = seat_pause must be at most 1 day
said-after-payment-of-policy = after_payment_ttl must be at most active_ttl
said-period-of-policy = { $name } must be from 100 milliseconds to 1 day
said-secret-length = the JWT secret has { $bytes } bytes; it needs { $least }
said-url-without-database = the database URL names no database: mysql://user:password@host:3306/name
said-database-name = the name of a database is 1 to { $most } letters, digits and _
said-database-of-server = { $name } is the server's own database; name another
said-setting-nearest = unknown setting '{ $name }': did you mean '{ $nearest }'?
said-setting-unknown = unknown setting '{ $name }': `concert-server --help` lists them, without the dashes
said-setting-section = '{ $name }' is no setting: the file has no sections, only lines NAME = VALUE
said-setting-value = { $name }: it does not take { $value }: { $why }
said-setting-secret-value = { $name }: it does not take: { $why }
said-setting-not-text = { $name }: { $expected } is expected, not a text
said-setting-not-number = { $name }: { $expected } is expected, not a number
said-setting-not-flag = { $name }: { $expected } is expected, not true or false
said-setting-not-date = { $name }: { $expected } is expected, not a date
said-setting-not-list = { $name }: { $expected } is expected, not a list
said-setting-not-section = { $name }: { $expected } is expected, not a section
said-setting-words = { $expected } is expected
said-setting-count = a whole number without quotes
said-setting-flag = true or false, without quotes
said-setting-switch = "on" or "off"
said-setting-list = a text in quotes, or a list of them: [{ $list }]
said-setting-text-such = a text in quotes, such as { $default }
said-setting-text = a text in quotes
said-setting-file = cannot read { $file }: { $why }
said-setting-file-large = it is larger than 1 MiB
said-setting-file-open = every user of this machine can change { $file }, which has { $secret } in it; chmod 600 it
said-setting-twice = '{ $first }' and '{ $second }' both say { $setting }: give one of them
said-setting-twice-in-file = { $first } has { $setting } and { $second } has { $other }: give one of them
