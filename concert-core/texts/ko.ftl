# 라이브러리의 글. en.ftl과 id와 변수가 같아야 하며, 빌드할 때 대조합니다.

## 시간의 길이

seconds = { $count }초
minutes = { $count }분
hours = { $count }시간
days = { $count }일

## 거절, 코드별: `Error`의 문장

wrong-amount = 금액이 가격과 다릅니다. 가격: { $price }, 보낸 금액: { $amount }.
balance-limit = 잔액이 한도를 넘습니다. 한도: { $most }, 현재 잔액: { $balance }.
ticket-unreadable = 티켓이 아닙니다. 티켓은 v1.<키 id>.<티켓>.<서명> 형식이며 전체가 있어야 합니다.
ticket-forged = 위조되었거나 훼손된 티켓입니다. 서명이 내용과 맞지 않습니다.
bad-credentials = 아이디 또는 비밀번호가 올바르지 않습니다.
login-required = 비밀번호가 있는 사용자입니다. 로그인한 뒤 액세스 토큰을 함께 보내 주십시오.
token-ended = 대기열 토큰이 끝났습니다. 대기열에 다시 서거나 로그인해 주십시오.
not-yours = 다른 사용자의 것입니다.
recharge-not-allowed = 이곳에서는 운영자만 지갑을 충전할 수 있습니다.
role-not-allowed = { $needed } 역할이 필요합니다. 이 운영자 키의 역할은 { $role }입니다.
token-not-active = 입장 중(ACTIVE)인 대기열 토큰이 필요합니다. { $status ->
    [waiting] 아직 대기 중(WAITING)입니다.
    [none] 먼저 대기열에 서 주십시오.
   *[ended] 이 토큰은 이미 끝났습니다.
 }
user-disabled = 사용이 중지된 사용자입니다. 예매처에 문의해 주십시오.
user-not-found = 없는 사용자입니다.
token-not-found = 대기열에 없는 사용자입니다.
token-unknown = 없는 대기열 토큰입니다.
concert-not-found = 없는 공연입니다.
seat-not-found = 이 공연에는 { $seat }번 좌석이 없습니다.
section-not-found = 이 공연에는 { $section } 구역이 없습니다.
reservation-not-found = 없는 예약입니다.
payment-not-found = 없는 결제입니다.
sale-not-found = 없는 판매입니다.
ticket-not-found = 없는 티켓입니다.
ticket-key-not-found = 이 예매처에는 그런 티켓 키가 없습니다.
code-not-found = 이 판매에 없는 코드입니다.
operator-key-not-found = 없는 운영자 키입니다.
order-not-found = 없는 주문입니다.
username-taken = 이미 사용 중인 아이디입니다.
concert-exists = 이미 등록된 공연입니다.
sale-exists = 같은 이름의 판매가 이미 있습니다.
version-changed = 그사이 내용이 바뀌었습니다. 다시 확인해 주십시오. 현재 버전: { $version }.
sale-not-open = 아직 판매가 시작되지 않았습니다.
doors-not-open = 이 판매의 대기열은 { $doors }에 열립니다. 현재 시각: { $now }.
sale-closed = 판매가 끝났습니다. 이미 선점한 좌석은 결제할 수 있습니다.
draw-made = 이 판매의 추첨은 이미 끝나서, 추첨에 영향을 주는 설정은 바꿀 수 없습니다.
order-settled = 이미 대기열에 선 사람이 있어 입장 순서({ $order })를 바꿀 수 없습니다. 순서는 아무도 서지 않은 판매에서만 바꿀 수 있습니다.
code-refused = 사용할 수 없는 코드입니다. 잘못 입력했거나, 이미 모두 사용했거나, 다른 판매의 코드일 수 있습니다.
codes-already-made = 이 멱등 키로 { $moment }에 이미 코드를 만들었습니다. 코드는 한 번만 표시됩니다. 잃어버렸다면 그 코드를 폐기하고 다른 키로 새로 만들어 주십시오.
seat-limit = 한 사람이 살 수 있는 좌석은 이 { $of ->
    [sale] 판매
   *[concert] 공연
 }에서 최대 { $limit }석입니다. { $left ->
    [0] 이미 모두 예매했습니다.
   *[other] { $left }석 더 예매할 수 있습니다.
 }
already-in-queue = 이미 대기열에 있습니다. 이어서 기다리려면 로그인 세션이나 대기열 토큰을 함께 보내 주십시오.
seat-already-reserved = { $seats }번 좌석은 이미 예약되었습니다.
seat-held-by-you = { seat-already-reserved } 그중 { $yours }은 직접 선점한 좌석입니다.
seat-of-reservation = { $seat }번 좌석(예약 { $reservation })
not-enough-seats = { $free ->
    [0] 남은 좌석이 없습니다.
   *[other] 남은 좌석이 { $free }석뿐입니다.
 }
seats-not-together = 나란히 붙은 { $count }석이 없습니다.
seat-blocked = { $seats }번 좌석은 판매하지 않습니다.
seats-not-reserved = 두 좌석 모두 비어 있어 바꿀 것이 없습니다.
too-many-holds = 결제하지 않은 좌석은 한 번에 최대 { $limit }석까지 선점할 수 있습니다. { $held ->
    [0] 결제하거나 하나를 취소해 주십시오.
   *[other] 지금 { $held }석을 선점하고 있으니, 결제하거나 하나를 취소해 주십시오.
 }
seat-held-too-often = { $seat }번 좌석을 { $times }번 연달아 선점했다가 놓았습니다. { $wait }초 동안은 다른 사람에게 먼저 기회가 갑니다.
hold-already-extended = 결제 기한은 한 번만 연장할 수 있으며, 이미 연장했습니다.
hold-outlasts-turn = 결제 기한이 이미 입장 시간의 끝까지라서 더 연장할 수 없습니다.
concert-over = 이미 끝난 공연입니다.
concert-closed = 판매하지 않는 공연입니다.
concert-cancelled = 취소된 공연입니다. 결제한 금액은 환불됩니다.
ticket-void = { $reason ->
    [refunded] 환불되어 무효가 된 티켓입니다.
    [moved] 소유자가 바뀌어 무효가 된 티켓입니다. 새 소유자에게 새 티켓이 있습니다.
   *[cancelled] 공연이 취소되어 무효가 된 티켓입니다.
 }
ticket-for-other-concert = 다른 공연의 티켓입니다.
ticket-key-retired = { $moment }에 폐기된 키로 서명한 티켓입니다. 소유자의 티켓 목록에 새 코드가 있습니다.
already-checked-in = 이미 입장에 사용한 티켓입니다. 시각: { $moment }, 게이트: { $gate }.
already-paid = 이미 결제한 예약입니다.
already-refunded = 이미 환불한 결제입니다.
insufficient-balance = 잔액이 부족합니다. 먼저 충전해 주십시오. 잔액: { $balance }, 가격: { $price }.
reference-used = 이 참조 번호로 이미 충전했습니다. 금액: { $amount }, 시각: { $moment }.
hold-expired = 결제 기한이 지나 선점이 풀렸습니다. 좌석을 다시 선택해 주십시오.
hold-cancelled = 선점을 취소한 좌석입니다. 좌석을 다시 선택해 주십시오.
token-expired = 대기열 토큰이 끝났습니다. 대기열에 다시 서 주십시오.
idempotency-key-reused = 다른 요청에 이미 사용한 멱등 키입니다.
overloaded = 요청이 너무 많이 밀려 있습니다({ $lane }). 잠시 뒤 다시 시도해 주십시오.
database-unavailable = 지금은 데이터베이스를 이용할 수 없습니다. 잠시 뒤 다시 시도해 주십시오.
shut-down = 예매 서비스가 종료되었습니다.
database-setup = 데이터베이스를 사용할 수 없습니다: { $why }
internal = 내부 오류가 발생했습니다.

## 만들어지는 자리에서 영어로 쓰는 문장. 영어 문장으로 한국어를 찾으며, 변수에는 어떤 글이든 올 수 있다

said-code-kind = 코드의 종류는 PRESALE 또는 FRONT입니다.
said-code-length = 코드는 { $most }자를 넘을 수 없습니다.
said-codes-made = 코드는 한 번에 1개에서 { $most }개까지 만들 수 있습니다. 요청: { $count }개.
said-code-uses = 코드의 사용 횟수는 1회에서 { $most }회까지입니다. 요청: { $count }회.
said-code-or-id = 코드도 코드의 id도 아닙니다.
said-codes-revoked = 코드는 한 번에 1개에서 { $most }개까지, 또는 전부 폐기할 수 있습니다.
said-after-code = startingAfter가 이 판매의 코드가 아닙니다.
said-after-log = startingAfter가 기록의 항목이 아닙니다.
said-after-order = startingAfter가 이 사용자의 주문이 아닙니다.
said-after-ticket = startingAfter가 이 사용자의 티켓이 아닙니다.
said-after-concert = startingAfter가 공연이 아닙니다.
said-after-payment = startingAfter가 이 사용자의 결제가 아닙니다.
said-after-entry = startingAfter가 이 사용자의 지갑 내역이 아닙니다.
said-after-reservation = startingAfter가 이 사용자의 예약이 아닙니다.
said-not-called-off = 취소된 공연이 아닙니다.
said-after-check-in = startingAfter가 이 공연의 입장 기록이 아닙니다.
said-void-page = 무효 티켓은 한 쪽에 1개에서 1000개까지 담습니다.
said-ticket-keys = 티켓 키는 동시에 { $most }개까지 쓸 수 있습니다. 먼저 하나를 폐기해 주십시오.
said-gate = 게이트 이름은 1자에서 { $most }자이며, 제어 문자와 앞뒤 공백은 쓸 수 없습니다.
said-check-in-to-come = checkedInAt이 미래입니다. 이 게이트의 시계를 확인해 주십시오.
said-check-in-long-ago = checkedInAt이 24시간보다 오래되었습니다. 입장 기록은 하루 안에 보내야 합니다.
said-ticket-key-id = 티켓 키 id
said-ticket-there = 이미 이 사용자의 티켓입니다.
said-seat-goes = 환불한 좌석은 TO_SALE 또는 OFF_SALE로 보냅니다.
said-two-seats = 서로 다른 좌석 두 개를 지정해 주십시오.
said-reference-needed = 어떤 입금에 대한 충전인지 참조 번호를 적어 주십시오.
said-draw-to-come = 이 판매의 추첨은 아직입니다. 판매가 시작될 때 추첨합니다.
said-no-draw = 도착한 순서대로 입장하는 판매이므로 추첨이 없습니다.
said-no-tokens-here = 이곳에서는 액세스 토큰을 사용하지 않습니다.
said-session-ended = 세션이 끝났습니다. 다시 로그인해 주십시오.
said-token-not-valid = 액세스 토큰이 올바르지 않습니다.
said-token-has-expired = 액세스 토큰이 만료되었습니다.
said-operator-key-not-valid = 운영자 키가 올바르지 않습니다.
said-hexadecimal = 16진수 64자리여야 합니다.
said-idempotency-key = 멱등 키는 출력 가능한 ASCII 문자 1자에서 { $most }자입니다. 예: UUID.
said-cancel-concert = 공연을 취소하려면 취소 기능을 사용해 주십시오. 결제한 금액이 함께 환불됩니다.
said-concert-name = 공연 이름은 1자에서 { $most }자이며, 앞뒤에 공백이 없어야 합니다.
said-row-name = 열 이름은 1자에서 { $most }자이며, 앞뒤에 공백이 없어야 합니다.
said-sale-name = 판매 이름은 1자에서 { $most }자이며, 앞뒤에 공백이 없어야 합니다.
said-concert-years = 공연 날짜의 연도는 { $first }년에서 { $last }년까지입니다.
said-whole-second = 공연 시작 시각은 초 단위까지만 적을 수 있습니다.
said-concert-limit = 한 사람이 살 수 있는 공연 좌석은 1석에서 { $most }석까지이거나 제한 없음입니다.
said-concert-status = 공연 상태는 ON_SALE, CLOSED, CANCELLED 중 하나입니다.
said-row-seats = 한 열의 좌석은 1석에서 { $most }석까지입니다.
said-hall-parts = 공연장에는 구역이 하나 이상 있어야 하고, 구역마다 좌석이 하나 이상 있어야 합니다.
said-added-seats = 한 번에 더할 수 있는 좌석은 최대 { $most }석입니다.
said-made-up-seats = 한 번에 만들 수 있는 좌석은 최대 { $most }석입니다.
said-mark = 좌석 표시는 ACCESSIBLE이나 RESTRICTED_VIEW처럼 영문자와 숫자로 된 낱말을 _ 하나씩으로 이어 { $most }자까지 씁니다.
said-same-sections = 열이 있는 두 구역이 { $same }: 열을 구별할 수 없습니다.
said-same-numbers = 좌석 번호가 두 번 나옵니다: { $number }. 좌석 번호는 공연에서 하나뿐이어야 합니다.
said-empty-section = 구역과 그 안의 열마다 좌석이 하나 이상 있어야 합니다.
said-concert-seats = 공연의 좌석은 1석에서 { $most }석까지입니다.
said-row-places = { $row }열의 좌석은 { $count }석입니다. 1부터 시작하는 서로 다른 자리 번호가 그만큼 필요합니다.
said-row-points = { $row }열의 좌석은 { $count }석입니다. 좌표가 그만큼 필요합니다.
said-same-rows = 한 구역에 이름이 { $row }인 열이 둘 있습니다.
said-marked-elsewhere = { $mark } 표시를 한 { $seat }번 좌석이 그 구역에 없습니다.
said-marks-length = 한 구역의 표시는 모두 합쳐 { $most }자를 넘을 수 없습니다.
said-whole-amount = { $code } 금액은 소수점 없이 적어야 합니다. 보낸 금액: { $amount }.
said-no-currency = { $text }: ISO 4217 통화가 아닙니다. KRW, USD, EUR처럼 대문자로 적어 주십시오.
said-currency-places = { $code } 금액은 소수점 아래가 { $places }자리인데 데이터베이스는 { $most }자리까지 저장합니다. 다른 통화를 선택해 주십시오.
said-amount-places = 금액은 소수점 아래 두 자리까지입니다.
said-amount-negative = 금액은 0보다 작을 수 없습니다.
said-amount-zero = 금액은 0보다 커야 합니다.
said-amount-number = 금액은 0에서 { $most }까지이고 소수점 아래 두 자리까지인 수입니다.
said-amount-most = 금액은 최대 { $most }입니다.
said-no-zone = { $text }: IANA 시간대가 아닙니다. Asia/Seoul, Europe/Berlin, UTC처럼 적어 주십시오.
said-export-format = 내보내기 형식은 csv 또는 json입니다.
said-export-kind = 내보낼 수 있는 것은 payments, seats, entries, attendees입니다.
said-places-seats = 좌석은 { $seats }석인데 자리 번호는 { $places }개입니다.
said-seat-twice = { $seat }번 좌석을 두 번 이상 적었습니다.
said-place-from-one = 열 안의 자리 번호는 1부터입니다.
said-place-twice = 자리 번호를 두 번 이상 적었습니다: { $place }.
said-seats-named = 좌석을 1석에서 { $most }석까지 지정해 주십시오.
said-no-uuid = { $what }: xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx 형식의 UUID가 아닙니다.
said-user-id = 사용자 id
said-concert-id = 공연 id
said-sale-id = 판매 id
said-code-id = 코드 id
said-token-id = 토큰 id
said-reservation-id = 예약 id
said-order-id = 주문 id
said-payment-id = 결제 id
said-entry-id = 지갑 내역 id
said-session-id = 세션 id
said-key-id = 키 id
said-log-entry-id = 기록 항목 id
said-seat-number = 좌석 번호는 1에서 { $most }까지입니다. 보낸 번호: { $number }.
said-hidden-character = { $rule } 보이지 않는 문자({ $code })는 쓸 수 없습니다.
said-username = 아이디는 1자에서 64자이며, 제어 문자와 앞뒤 공백은 쓸 수 없습니다.
said-username-spaces = 아이디는 1자에서 64자이며, 제어 문자와 앞뒤 공백은 쓸 수 없습니다. 단어 사이에는 공백을 하나만 둘 수 있습니다.
said-username-other = 아이디는 1자에서 64자이며, 제어 문자와 앞뒤 공백은 쓸 수 없습니다. 쓸 수 없는 문자가 있습니다: { $why }
said-character-hidden = { $code }, 보이지 않는 문자입니다.
said-character-other = { $code }, 글자도 숫자도 ASCII 문장 부호도 아닙니다.
said-characters-together = 함께 쓸 수 없는 글자들입니다.
said-role = 역할은 viewer, gate, operator 중 하나입니다.
said-keys-in-force = 사용 중인 키는 최대 { $most }개입니다. 먼저 하나를 폐기해 주십시오.
said-operator-name = 운영자 이름은 1자에서 { $most }자이며, 제어 문자와 앞뒤 공백은 쓸 수 없습니다.
said-reason = 사유는 1자에서 { $most }자이며, 제어 문자와 앞뒤 공백은 쓸 수 없습니다.
said-page = 한 쪽에는 1개에서 { $most }개까지 담을 수 있습니다. 요청: { $count }개.
said-entry-order = 입장 순서는 arrival 또는 draw입니다.
said-concert-over-new = 등록하기도 전에 끝난 공연입니다. 날짜: { $date }.
said-concert-over = 이미 끝난 공연이 됩니다. 새 날짜: { $date }.
said-instants-close = 판매가 { $at }에 끝납니다. 대기열과 판매의 시작보다 뒤여야 합니다.
said-instants-past = 판매가 끝나는 시각({ $at })이 이미 한참 지났습니다(지금: { $now }). 바로 끝내려면 지금으로 정해 주십시오.
said-instants-over = 만들기도 전에 끝난 판매입니다. 끝나는 시각: { $at }.
said-instants = { $first } 시각({ $from })이 { $second } 시각({ $to })보다 늦을 수 없습니다.
said-doors-open = 대기열이 열리는
said-sale-opens = 판매가 시작되는
said-sale-closes = 판매가 끝나는
said-recharged-by = 충전할 수 있는 사람은 everyone 또는 operators입니다.
said-admission-change = 무엇을 바꿀지 적어 주십시오: maxActive, perMinute 또는 둘 다.
said-sale-change = 판매에서 무엇을 바꿀지 적어 주십시오.
said-to-pause = { $name }의 값은 1에서 { $most }까지입니다. 아무도 들이지 않으려면 대기열을 멈춰 주십시오.
said-from-one = { $name }의 값은 1에서 { $most }까지입니다.
said-default-sale = 기본 판매는 언제나 열려 있고 도착한 순서대로입니다. 시작 시각이나 추첨이 필요하면 판매를 새로 만들어 주십시오.
said-public-value = 공개 값은 1자에서 { $most }자이며, 줄 바꿈과 앞뒤 공백은 쓸 수 없습니다.
said-public-value-of-draw = 도착한 순서대로 입장하는 판매입니다. 공개 값은 추첨에만 쓰입니다.
said-order-costs = 한 주문의 금액은 최대 { $most }입니다.
said-order-seats = 한 주문의 좌석은 1석에서 { $most }석까지입니다.
said-seat-ranges = 좌석은 1-20,25처럼 번호나 번호의 범위로 적습니다: { $text }
said-seat-range = 좌석 범위는 작은 번호부터 큰 번호 순으로 적습니다: { $range }
said-seats-at-once = 한 번에 최대 { $most }석입니다.
said-password = 비밀번호는 { $least }바이트에서 { $most }바이트까지입니다.
said-reference = 참조 번호는 출력 가능한 ASCII 문자 1자에서 { $most }자이며, 앞뒤 공백은 쓸 수 없습니다.
said-not-migrated = 스키마가 없거나 오래되었습니다

## 값을 읽는 라이브러리들이 말하는 거절 이유

said-value-empty = 값이 비어 있습니다.
said-integer-empty = 값이 비어 있습니다.
said-integer-digit = 숫자가 아닌 글자가 있습니다.
said-integer-large = 수가 너무 큽니다.
said-integer-small = 수가 너무 작습니다.
said-integer-range = { $first }에서 { $last }까지의 수여야 합니다. 적은 수: { $number }.
said-time-character = { $place } 위치에 쓸 수 없는 글자가 있습니다. 10m, 1h 30m처럼 적어 주십시오.
said-time-number = { $place } 위치에 수가 필요합니다. 10m, 1h 30m처럼 적어 주십시오.
said-time-unit = 시간 단위가 필요합니다. 예: { $number }sec, { $again }ms.
said-time-other-unit = 알 수 없는 시간 단위입니다: { $unit }. 쓸 수 있는 단위: { $units }.
said-time-large = 시간이 너무 길거나 1ns보다 짧습니다.

## 설정: 정책의 것과 두 프로그램이 읽는 파일의 것

said-duration-of-policy = { $name }의 값은 1초에서 366일까지입니다.
said-seat-pause-of-policy = seat_pause의 값은 최대 1일입니다.
said-after-payment-of-policy = after_payment_ttl은 active_ttl보다 길 수 없습니다.
said-period-of-policy = { $name }의 값은 100밀리초에서 1일까지입니다.
said-secret-length = 액세스 토큰에 서명하는 비밀 값은 { $least }바이트 이상이어야 합니다. 지금은 { $bytes }바이트입니다.
said-url-without-database = 데이터베이스 URL에 데이터베이스 이름이 없습니다: mysql://user:password@host:3306/name
said-database-name = 데이터베이스 이름은 영문자, 숫자, _로 된 1자에서 { $most }자입니다.
said-database-of-server = { $name }은(는) 서버가 쓰는 데이터베이스입니다. 다른 이름을 정하십시오
said-setting-nearest = 알 수 없는 설정입니다: '{ $name }'. 비슷한 설정: '{ $nearest }'.
said-setting-unknown = 알 수 없는 설정입니다: '{ $name }'. 설정의 이름은 `concert-server --help`에 있으며, 앞의 -는 뺍니다.
said-setting-section = '{ $name }': 설정이 아닙니다. 파일에는 구역이 없고, 이름 = 값을 한 줄에 하나씩 적습니다.
said-setting-value = { $name }: 쓸 수 없는 값입니다: { $value }. { $why }
said-setting-secret-value = { $name }: 쓸 수 없는 값입니다. { $why }
said-setting-not-text = { $name }: 필요한 것: { $expected }. 적은 것: 글.
said-setting-not-number = { $name }: 필요한 것: { $expected }. 적은 것: 수.
said-setting-not-flag = { $name }: 필요한 것: { $expected }. 적은 것: true 또는 false.
said-setting-not-date = { $name }: 필요한 것: { $expected }. 적은 것: 날짜.
said-setting-not-list = { $name }: 필요한 것: { $expected }. 적은 것: 목록.
said-setting-not-section = { $name }: 필요한 것: { $expected }. 적은 것: 구역.
said-setting-words = 필요한 것: { $expected }.
said-setting-count = 따옴표 없는 정수
said-setting-flag = 따옴표 없는 true나 false
said-setting-switch = "on" 또는 "off"
said-setting-list = 따옴표로 묶은 글이나 그 목록: [{ $list }]
said-setting-text-such = { $default }처럼 따옴표로 묶은 글
said-setting-text = 따옴표로 묶은 글
said-setting-file = { $file }: 읽을 수 없습니다. { $why }
said-setting-file-large = 1 MiB보다 큽니다.
said-setting-file-open = { $secret } 값이 든 { $file } 파일을 이 시스템의 누구나 고칠 수 있습니다. chmod 600으로 막아 주십시오.
said-setting-twice = '{ $first }' 및 '{ $second }': 둘 다 { $setting } 설정입니다. 하나만 지정해 주십시오.
said-setting-twice-in-file = { $first }에 { $setting }, { $second }에 { $other } 설정이 있습니다. 하나만 지정해 주십시오.
