# 서버의 글: 화면과 오류. en.ftl과 id와 변수가 같아야 하며, 빌드할 때 대조합니다.

## 오류의 제목, HTTP 상태별(RFC 9457)

title-400 = 잘못된 요청
title-401 = 로그인 필요
title-403 = 권한 없음
title-404 = 찾을 수 없음
title-405 = 허용되지 않는 메서드
title-408 = 요청 시간 초과
title-409 = 현재 상태와 맞지 않음
title-410 = 만료됨
title-412 = 그사이 변경됨
title-413 = 요청이 너무 큼
title-415 = 지원하지 않는 형식
title-422 = 처리할 수 없는 요청
title-429 = 요청이 너무 많음
title-500 = 서버 오류
title-503 = 지금은 이용할 수 없음

## 만들어지는 자리에서 영어로 쓰는 문장. 영어 문장으로 한국어를 찾으며, 변수에는 어떤 글이든 올 수 있다

said-route-not-found = 이 경로에는 아무것도 없습니다. /docs를 참고해 주십시오.
said-plan-version = 좌석 배치도에 이 버전은 이제 없거나 아직 없습니다. 지금 버전은 { $present }입니다.
said-method-not-allowed = 이 경로에서 쓸 수 있는 메서드: { $methods }
said-payload-too-large = 요청 본문은 { $most }바이트를 넘을 수 없습니다.
said-media-type = 요청 본문은 JSON이어야 합니다. Content-Type: application/json
said-media-type-form = 본문은 양식이어야 합니다: Content-Type: application/x-www-form-urlencoded
said-form-expired = 오래되었거나 이 사이트의 화면에서 보내지 않은 양식입니다. 화면을 새로 여세요.
said-body-too-slow = 요청 본문이 제시간에 도착하지 않았습니다.
said-too-many = { $what } 요청이 너무 많습니다. { $seconds }초 뒤 다시 시도해 주십시오.
said-calls-from-address = 이 주소에서 보낸
said-joins-from-address = 이 주소에서 보낸 대기열 참가
said-log-ins-from-address = 이 주소에서 보낸 로그인
said-sign-ups-from-address = 이 주소에서 보낸 회원 가입
said-attempts-from-address = 이 주소에서 이 아이디로 보낸 로그인과 회원 가입
said-calls-by-user = 이 사용자가 보낸
said-joins-by-user = 이 사용자가 보낸 대기열 참가
said-give-backs-by-user = 이 사용자가 보낸 선점 취소
said-codes-from-address = 이 주소에서 보낸 잘못된 코드
said-codes-by-user = 이 사용자가 보낸 잘못된 코드
said-connections = 연결이 너무 많습니다. 잠시 뒤 다시 시도해 주십시오.
said-connections-from-address = 이 주소에서 연 연결이 너무 많습니다. 잠시 뒤 다시 시도해 주십시오.
said-streams-here = 이 연결에서 연 이벤트 스트림이 너무 많습니다. 주기적으로 조회하거나 다른 연결을 열어 주십시오.
said-streams = 열려 있는 이벤트 스트림이 너무 많습니다. 주기적으로 조회해 주십시오.
said-either-codes = codes와 all 가운데 하나만 적어 주십시오.
said-starts-at = startsAt은 공연장 현지 시각(예: 20:00)이거나 그 날짜 안의 시점이어야 합니다.
said-starts-at-date = startsAt은 { $zone } 기준 { $local }이므로 공연 날짜({ $date })와 다릅니다.
said-section-rows = 구역에는 rows만, rows와 seats 두 수, 또는 seats만 적습니다.
said-both-x-y = 열에는 x와 y를 함께 적거나 둘 다 적지 않습니다.
said-x-y-numbers = x와 y는 수 하나이거나 열의 좌석 수만큼의 목록입니다.
said-name-the-seat = 좌석을 지정해 주십시오: ../seat/<concert>:<number> 또는 ?seatNumber=
said-whole-seat-number = 좌석 번호는 정수입니다.
said-send-token = 액세스 토큰을 보내 주십시오. Authorization: Bearer <token>
said-send-key = 운영자 키를 보내 주십시오. Authorization: Bearer concert_<key>
said-key-elsewhere = 운영자 키는 /api/v1/admin과 사용자를 대기열에 세울 때 씁니다. 여기서는 액세스 토큰을 보내 주십시오.
said-session-needed = 로그인 세션의 액세스 토큰이 필요합니다. 로그인해 주십시오.
said-garbled = Authorization 헤더가 Bearer <token> 형식이 아닙니다.
said-open-orders = 결제 전 주문은 한 쪽에 모두 담깁니다. startingAfter를 빼 주십시오.
said-not-utf8 = 요청 본문이 UTF-8이 아닙니다. { $byte }번째 바이트를 읽을 수 없습니다.
said-not-an-object = 요청 본문이 JSON 객체가 아닙니다.
said-ended-early = 요청 본문이 중간에 끊겼습니다.
said-the-body = 요청 본문: { $error }
said-the-query = 쿼리: { $error }
said-missing-field = { $field } 필드가 없습니다({ $place })
said-missing-field-only = { $field } 필드가 없습니다
said-unknown-field = { $field }: 알 수 없는 필드입니다. 쓸 수 있는 필드: { $fields }
said-key-twice = Idempotency-Key 헤더를 두 번 이상 보냈습니다.
said-bom = bom은 CSV에만 씁니다. JSON에는 바이트 순서 표시가 없습니다.
said-seats-or-numbers = seatNumbers와 seats 가운데 하나만 적어 주십시오.
said-swapped-seats = seatNumbers에는 자리를 바꿀 두 좌석을 적어 주십시오.
said-reservation-or-order = reservationId와 orderId 가운데 하나만 적어 주십시오.
said-sale-of-other-token = saleId가 대기열 토큰의 판매와 다릅니다. 그 판매의 토큰을 보내거나 saleId를 빼십시오
said-one-way-to-name-seats = seatNumber, seatNumbers, bestAvailable 가운데 하나만 적어 주십시오.
said-check-in-forms = ticket과 gate를 보내 주십시오(게이트가 연결 없이 확인했다면 checkedInAt도). 또는 그런 항목의 목록인 checkins만, Idempotency-Key 없이 보내 주십시오.
said-delivery = 한 번에 1건에서 { $most }건까지 보냅니다.
said-if-match = If-Match에는 응답에서 받은 ETag 하나(예: "3")나 *를 적습니다.

## 명령줄의 값을 거절하는 이유

said-address-too = 주소도 적어 주십시오. 이 시스템에서만 쓰려면 127.0.0.1:{ $port }, 모든 네트워크에서 쓰려면 0.0.0.0:{ $again }입니다.
said-address-form = IP 주소와 포트를 적어 주십시오: 127.0.0.1:8080 또는 [::1]:8080.
said-period = 100ms에서 1day까지입니다.
said-seats-age = 최대 60s입니다.
said-connection-count = 1에서 1000000까지입니다.
said-origin-form = 오리진은 *, https://host, https://host:port 중 한 가지 형식입니다.
said-limit-form = 제한은 off이거나, 그 시간 동안의 횟수를 600/1m처럼 적습니다.
said-limit-count = / 앞의 수는 1에서 { $most }까지입니다.
said-limit-time = / 뒤의 시간: { $why }
said-limit-period = / 뒤의 시간은 1s에서 1day까지입니다.
said-network-form = 네트워크는 10.0.0.0/8, 2001:db8::/32, 192.0.2.1 같은 형식입니다.
said-secret-needed = 데이터베이스 URL을 지정하면 액세스 토큰에 서명할 비밀 값도 필요합니다: --jwt-secret-file, --jwt-secret, CONCERT_JWT_SECRET 또는 자격 증명 jwt-secret(32바이트 이상, 이 데이터베이스의 모든 서버에 같게).

## 화면: 틀

site = concert
skip = 본문으로 건너뛰기
nav = 주 메뉴
nav-home = 예매
nav-orders = 주문
nav-tickets = 티켓
nav-wallet = 지갑
log-in = 로그인
log-out = 로그아웃
sign-up = 회원 가입
go-home = 예매 목록으로
go-back = 양식으로 돌아가기
go-to-queue = 대기열로
go-to-orders = 내 주문으로
go-to-wallet = 내 지갑으로

## 화면: 예매 목록

home-title = 예매
home-lead = 예매 대기열에 줄을 서세요. 차례가 되면 좌석을 고르고 결제합니다.
nothing-on-sale = 지금 예매 중인 공연이 없습니다.
phase-before = 오픈 전
phase-doors = 대기실 열림
phase-open = 예매 중
phase-closed = 마감
doors-at = 대기실 오픈
opens-at = 예매 오픈
closes-at = 예매 마감
concert-closed = 판매하지 않음
concert-cancelled = 공연 취소
go-in = 예매하기
see-sale = 예매 안내 보기

## 화면: 회원 가입과 로그인

username = 사용자 이름
password = 비밀번호
password-rule = 8자 이상 입력하세요.
have-account = 이미 계정이 있으신가요?
no-account = 아직 계정이 없으신가요?

## 화면: 대기열

sale-join = 대기열에 줄 서기
sale-code = 예매 코드(있는 경우)
sale-log-in = 줄을 서려면 로그인하세요. 계정이 없다면 먼저 가입하세요.
sale-waiting-people = 지금 { $count }명이 기다리고 있습니다.
sale-before = 대기실이 열리면 줄을 설 수 있습니다.
sale-code-early = 코드가 있으면 그 전에도 들어올 수 있습니다.
sale-closed = 예매가 끝났습니다.
sale-drawn = 예매가 열릴 때 추첨으로 순서를 정합니다. 그때까지 들어온 사람은 모두 확률이 같습니다.
queue-your-place = 내 대기 순서
queue-estimate = 약 { $time } 남음
queue-soon = 1분 안에 차례가 됩니다
queue-draw = 접수되었습니다. 예매가 열릴 때 추첨으로 순서가 정해집니다.
queue-doors = 예매가 열리면 줄이 움직입니다.
queue-reload = 이 화면은 { $seconds }초마다 다시 확인합니다. 순서는 그대로 유지됩니다.
queue-leave = 대기열에서 나가기
queue-leave-note = 나가면 순서와 잡아 둔 좌석이 모두 사라집니다.
queue-ended = 지난 차례가 끝났습니다. 다시 줄을 설 수 있습니다.
turn-title = 차례가 되었습니다
turn-until = { $time }까지 예매할 수 있습니다.
turn-choose = 공연과 좌석을 고르세요.
turn-give-up = 차례 포기하기

## 화면: 공연

concert-wait = 차례가 되면 좌석을 고를 수 있습니다.
concert-sold-out = 매진되었습니다. 취소된 좌석이 나올 수 있으니 잠시 뒤 다시 확인하세요.
seats-free = 잔여 { $count }석
best-title = 자동 배정
best-lead = 남은 좌석 가운데 가장 좋은 자리를 골라 드립니다.
best-count = 매수
best-section = 구역
best-any = 구역 상관없음
best-together = 붙어 있는 좌석만
best-hold = 가장 좋은 좌석 잡기
choose-title = 직접 고르기
choose-section = 구역
choose-row = 열
choose-price = 가격
choose-free = 잔여석
choose-see-rows = { $section } 구역의 열 보기
choose-see-seats = { $row }열의 좌석 보기
choose-all-sections = 전체 구역
choose-rows-of = { $section } 구역
choose-seats-of = { $row }열
choose-up-to = 한 번에 { $count }석까지 잡을 수 있습니다.
choose-hold = 고른 좌석 잡기
choose-none = 여기에는 남은 좌석이 없습니다.
seat = { $number }번
hall = 공연장
price-from-to = { $from } ~ { $to }

## 화면: 주문

order-title = 주문
order-held = { $time }까지 잡아 둔 좌석
order-held-note = 그때까지 다른 사람이 살 수 없습니다. 제시간에 결제하지 않으면 다시 판매됩니다.
order-total = 결제할 금액
order-balance = 지갑 잔액
order-pay = { $amount } 결제하기
order-short = 지갑에 { $amount } 부족합니다.
order-recharge = 지갑 충전하기
order-extend = 시간 연장
order-give-back = 좌석 취소하기
order-paid = 결제되었습니다. 즐거운 관람 되세요!
order-see-tickets = 내 티켓 보기
order-expired = 결제 시간이 지나 좌석이 다시 판매됩니다. 결제된 금액은 없습니다.
order-cancelled = 취소한 좌석입니다. 결제된 금액은 없습니다.
order-refunded = 지갑으로 환불되었습니다.
order-again = 다시 고르기
order-extended = 시간이 연장되었습니다.
orders-title = 내 주문
orders-none = 아직 주문이 없습니다.
orders-seats = { $count }석
older = 이전 내역
status = 상태
status-held = 결제 대기
status-paid = 결제 완료
status-expired = 시간 초과
status-cancelled = 취소
status-refunded = 환불
row-seat = { $row }열

## 화면: 티켓과 지갑

tickets-title = 내 티켓
tickets-none = 아직 티켓이 없습니다.
wallet-title = 내 지갑
wallet-balance = 잔액
wallet-account = 계정
wallet-amount = 금액
wallet-recharge-button = 충전하기
wallet-by-house = 지갑 충전은 매표소에서 합니다. 매표소에 문의하세요.
wallet-history = 이용 내역
wallet-when = 일시
wallet-what = 내용
wallet-change = 금액
wallet-none = 아직 이용 내역이 없습니다.
wallet-kind-recharge = 충전
wallet-kind-payment = 결제
wallet-kind-refund = 환불
wallet-back = 주문으로 돌아가기

## 화면: 거절

trouble = 처리하지 못했습니다
problem-title = 문제가 생겼습니다
trouble-no-page = 이 주소에는 화면이 없습니다.
trouble-form = 양식이 오래되어 처리하지 않았습니다. 화면을 새로 연 뒤 다시 시도하세요.
trouble-too-many-requests = 요청이 한꺼번에 너무 많았습니다. 잠시 뒤 다시 시도하세요.
trouble-request = 브라우저가 보낸 내용을 처리할 수 없습니다. 돌아가서 다시 시도하세요.
trouble-internal = 저희 쪽에 문제가 생겼습니다. 잠시 뒤 다시 시도하세요. 두 번 처리되지는 않습니다.
trouble-busy = 지금 접속이 많습니다. 잠시 뒤 다시 시도하세요. 두 번 처리되지 않으며 순서도 유지됩니다.
trouble-turn-over = 차례가 끝나 처리하지 않았고, 결제된 금액도 없습니다. 결제하지 않은 좌석은 다시 판매됩니다. 계속하려면 다시 줄을 서세요.
trouble-not-in-queue = 이 예매의 대기열에 서 있지 않습니다.
trouble-hold-expired = 결제 시간이 지나 결제하지 않았고, 좌석은 다시 판매됩니다.
trouble-hold-given-back = 취소한 좌석이라 결제하지 않았습니다.
trouble-paid-already = 이미 결제되었습니다. 두 번 결제되지 않았습니다.
trouble-balance = 지갑 잔액은 { $balance }이고 결제할 금액은 { $price }입니다. 결제하지 않았습니다. 충전한 뒤 결제하세요.
trouble-amount = 그사이 잡은 좌석이 달라져 금액이 { $price }로 바뀌었습니다. 결제하지 않았습니다. 확인한 뒤 다시 결제하세요.
trouble-seat-yours = 이미 잡아 둔 좌석이 들어 있습니다.
trouble-seat-taken = 다른 사람이 먼저 { $seats }번 좌석을 잡았습니다. 잡힌 좌석은 없으니 다른 좌석을 고르세요.
trouble-seat-blocked = { $seats }번 좌석은 판매하지 않습니다. 잡힌 좌석은 없으니 다른 좌석을 고르세요.
trouble-few-seats = 남은 좌석이 { $free }석이라 잡지 못했습니다.
trouble-not-together = 붙어 있는 { $count }석이 없어 잡지 못했습니다. 매수를 줄이거나 다른 구역, 떨어진 좌석을 골라 보세요.
trouble-too-many-holds = 결제하지 않은 좌석은 한 번에 { $limit }석까지 잡을 수 있습니다. 먼저 결제하거나 일부를 취소하세요.
trouble-seat-limit = 여기서는 한 사람이 { $limit }석까지 가질 수 있고, 앞으로 { $left }석 더 가질 수 있습니다.
trouble-held-too-often = 이 좌석을 여러 번 잡았다 놓아서 { $seconds }초 동안 다른 사람에게 먼저 기회가 갑니다.
trouble-extended-already = 이미 시간을 연장했습니다. 연장은 한 번만 됩니다.
trouble-turn-too-short = 차례가 끝날 때까지 이미 잡혀 있어 더 연장할 수 없습니다.
trouble-not-open = 아직 대기실이 열리지 않았습니다.
trouble-closed = 이제 판매하지 않습니다. 잡아 둔 좌석은 결제할 수 있습니다.
trouble-over = 끝난 공연입니다.
trouble-cancelled = 취소된 공연입니다. 결제한 금액은 환불됩니다.
trouble-code = 쓸 수 없는 코드입니다. 잘못 입력했거나, 이미 쓰였거나, 다른 예매의 코드입니다.
trouble-sent-twice = 여기나 다른 탭에서 이미 보낸 양식인데 내용이 다릅니다. 다시 처리하지 않았으니 지금 가진 것을 확인하세요.
trouble-credentials = 사용자 이름이나 비밀번호가 맞지 않습니다.
trouble-name-taken = 이미 쓰이는 이름입니다. 다른 이름을 고르세요.
trouble-disabled = 이용이 정지된 계정입니다. 매표소에 문의하세요.
trouble-no-recharge = 지갑 충전은 매표소에서 합니다.
trouble-balance-limit = 지갑에 그만큼 넣을 수 없습니다.
trouble-username = 사용자 이름은 글자, 숫자, 기호로 64자까지이며 단어 사이는 한 칸만 띄웁니다.
trouble-password = 비밀번호는 8자 이상 256자 이하입니다.
trouble-wallet-amount = 금액을 입력하세요. 예: 50
trouble-choose = 좌석을 하나 이상 고르세요.
sale-concerts = 공연
order-seat = 좌석
order-give-back-this = 취소
order-give-back-one = 좌석 취소: { $seat }

## 스크립트의 글

script-turn = 차례가 되었습니다

# 운영자 페이지.
admin-title = 매표소 관리
admin-no-script = 이 페이지는 JavaScript가 필요합니다. 터미널에서는 concert-cli로 같은 일을 할 수 있습니다.
admin-log-in-title = 운영자 키로 로그인
admin-key = 운영자 키
admin-key-hint = concert-cli key make로 만든 키입니다. 이 탭에만 보관되고 이 서버로만 전송됩니다.
admin-enter = 로그인
admin-leave = 로그아웃
admin-role = 역할
admin-parts = 관리 메뉴
admin-figures = 현황
admin-sales = 판매
admin-halls = 좌석
admin-refunds = 환불
admin-log = 기록
admin-queue-plot = 대기열 인원
admin-flow-plot = 초당 참여와 입장
admin-seats-plot = 선점·판매 좌석
admin-revenue-plot = 환불을 뺀 매출
admin-refusals-plot = 이 서버의 초당 거절
admin-latency-plot = 이 서버의 p99 응답 시간 (ms)
admin-concerts = 공연
admin-refusals-table = 서버 시작 이후 거절, 코드별
admin-concert = 공연
admin-seats = 좌석
admin-free = 빈 좌석
admin-held = 선점
admin-sold = 판매
admin-blocked = 판매 제외
admin-code = 코드
admin-count = 건수
admin-payments = 결제
admin-revenue = 매출
admin-waiting = 대기 중
admin-inside = 입장 중
admin-joined = 참여
admin-let-in = 입장
admin-refusals = 거절
admin-join = 참여
admin-hold = 선점
admin-pay = 결제
admin-time = 시각
admin-sale = 판매
admin-again = 다시 불러오기
admin-doors-at = 입장 등록 시작 (현지 시각)
admin-opens-at = 판매 시작 (현지 시각)
admin-closes-at = 판매 종료 (현지 시각)
admin-max-active = 동시 입장 인원
admin-per-minute = 분당 입장 인원 (비우면 제한 없음)
admin-max-seats = 1인당 좌석 수 (비우면 제한 없음)
admin-paused = 일시 중지: 아무도 입장시키지 않음
admin-save = 저장
admin-hall-plan = 좌석 배치도입니다. 좌석을 누르면 설명이 나옵니다. 아래 입력란으로도 같은 일을 할 수 있습니다.
admin-seat-numbers = 좌석 번호 (예: 1-4, 9)
admin-seats-reason = 판매에서 제외하는 이유
admin-explain = 첫 좌석 설명
admin-block = 판매 제외
admin-unblock = 다시 판매
admin-explanation = 이 좌석에 있었던 일
admin-next = 앞으로 일어날 일
admin-to-refund = 이 좌석 환불
admin-cancel-title = 공연 취소
admin-cancel-hint = 모든 결제가 환불되고 선점이 끝나며 좌석은 다시 판매되지 않습니다. 되돌릴 수 없습니다.
admin-reason = 기록에 남길 이유
admin-dry-run = 금액 먼저 확인
admin-call-off = 공연 취소
admin-progress = 환불 진행
admin-refund-title = 결제 환불
admin-payment = 결제 ID
admin-refund-seat = 환불 후 좌석
admin-to-sale = 다시 판매
admin-off-sale = 판매 제외
admin-refund = 환불
admin-more = 이전 기록
admin-who = 누가
admin-act = 무엇을
admin-subject = 대상
admin-change = 전과 후

# 스크립트가 쓰는 문장. {name} 자리에 값이 들어간다.
admin-word-unreachable = 서버에 연결할 수 없습니다. 다시 시도하세요.
admin-word-as-of = { $time } 기준
admin-word-sale-state = { $phase } · 대기 { $waiting }명 · 입장 { $active }명 · 버전 { $version } · 서버 시각 { $now }
admin-word-phase-before = 입장 등록 전
admin-word-phase-doors = 입장 등록 중
admin-word-phase-open = 판매 중
admin-word-phase-closed = 판매 종료
admin-word-status-closed = 마감
admin-word-status-cancelled = 취소됨
admin-word-saved = 저장했습니다.
admin-word-nothing-changed = 변경된 내용이 없습니다.
admin-word-changed-meanwhile = 그동안 다른 운영자가 판매를 변경했습니다. 지금 상태를 다시 불러왔으며, 입력한 내용은 저장되지 않았습니다.
admin-word-which-seats = 좌석 번호를 입력하세요 (예: 1-4, 9).
admin-word-seat-of = { $name } 님이 가진 좌석입니다.
admin-word-seats-changed = 변경: { $changed }. 거절: { $refused }
admin-word-would-cancel = 결제 { $payments }건, 총 { $amount }을 환불하고 선점 { $holds }건을 끝냅니다.
admin-word-cancelling = 결제 { $payments }건 중 { $refunded }건, 지금까지 { $amount }을 환불했습니다.
admin-word-cancelled = 공연을 취소했습니다. 결제 { $refunded }건, 총 { $amount }을 환불했습니다.
admin-word-refunded = 좌석 { $seat }의 { $amount }을 환불했습니다. 현재 잔액은 { $balance }입니다.
## 스크립트가 쓰는 글

script-turn-choose = 공연과 좌석을 고르세요.
script-turn-warning = 1분 뒤에 차례가 끝납니다.
script-hold-warning = 결제 시간이 1분 남았습니다. 시간이 더 필요합니까?
script-hold-last-minute = 결제 시간이 1분 남았습니다.
script-more-time = 시간 연장
script-bell-ask = 소리와 알림으로 알려 주기
script-bell-on = 소리와 알림으로 알려 드립니다
script-live = 순서를 실시간으로 보여 줍니다. 다른 탭을 써도 순서는 그대로입니다.
script-unsure = 확실하지 않습니다. { $time } 동안 소식이 없어 서버에 다시 연결하고 있습니다. 순서는 그대로입니다.
script-soon = 1분 안에 차례가 됩니다
script-estimate = 약 { $time } 남음
script-doors = 예매가 열리면 줄이 움직입니다.
script-plan = 좌석 배치도
script-plan-help = 구역을 눌러 가까이 본 뒤 좌석을 고르세요. 키보드: 화살표로 좌석을 옮겨 다니고 Enter로 고르며, Page Up과 Page Down으로 구역을 바꾸고 +와 −로 확대하거나 축소합니다. 아래 목록에도 같은 좌석이 있습니다.
script-plan-help-looking = 구역을 누르면 가까이 볼 수 있습니다. 키보드: 화살표로 좌석을 옮겨 다니고 Page Up과 Page Down으로 구역을 바꾸며 +와 −로 확대하거나 축소합니다.
script-front = 무대
script-view = 보기
script-zoom-in = 확대
script-zoom-out = 축소
script-whole-hall = 전체 보기
script-legend = 기호와 가격
script-state-free = 선택 가능
script-state-held = 결제 대기 중
script-state-sold = 판매됨
script-state-blocked = 판매하지 않음
script-state-chosen = 선택함
script-mark-accessible = 휠체어석
script-mark-restricted-view = 시야 제한
script-mark-aisle = 통로 옆
script-row = { $row }열
script-seat = { $number }번 좌석
script-from = { $price }부터
script-free-short = { $count }석 남음
script-chosen = 고른 좌석
script-chosen-count = 고른 좌석 { $count }석
script-hold-count = 이 좌석 잡아 두기 ({ $count })
script-remove = { $seat } 빼기
script-too-many = 좌석은 { $count }석까지 고를 수 있습니다.
script-not-your-turn = 좌석은 차례가 되면 고를 수 있습니다.
script-lost = 다른 분이 먼저 잡았습니다: { $seats }. 다른 좌석을 골라 주세요.
script-no-answer = 응답이 없었습니다. 버튼을 다시 눌러 주세요. 두 번 잡히지 않습니다.
script-new-plan = 좌석이나 가격이 바뀌어 배치도를 새로 그렸습니다.
script-plan-live = 배치도를 실시간으로 보여 줍니다.
script-plan-unsure = 확실하지 않습니다. 배치도가 최신이 아닐 수 있어 서버에 다시 연결하고 있습니다.
script-no-plan = 지금은 배치도를 보여 줄 수 없습니다. 아래 목록을 이용해 주세요.
## 티켓과 입장

ticket-title = 티켓
ticket-qr = 이 티켓의 QR 코드
ticket-hint = 입장할 때 화면이나 종이로 보여 주세요. 이 코드를 가진 사람은 누구든 한 번 입장할 수 있으니 다른 사람에게 보이지 마세요.
ticket-number = 티켓 번호
ticket-version = 버전
ticket-holder = 소유자
ticket-used = 사용함
ticket-gate = { $gate } 게이트
ticket-void = 무효
ticket-void-refunded = 환불된 티켓입니다.
ticket-void-cancelled = 공연이 취소되었습니다. 결제하신 분께 환불해 드립니다.
door-title = 입장 확인
door-needs-script = 이 화면은 스크립트로 티켓을 읽습니다. 스크립트를 켜거나 REST로 확인해 주세요.
door-key = 운영자 키
door-key-hint = 이 탭에만 저장되고, 탭을 닫으면 사라집니다.
door-gate = 게이트 이름
door-concert = 공연
door-go-on = 계속
door-ready = 준비됨
door-camera = 카메라
door-code = 스캐너로 읽거나 QR 코드의 내용을 붙여 넣으세요
door-check = 입장 확인
door-conflicts = 확인 필요: 연결 없이 입장시켰지만 기록과 다릅니다

## 입장 확인 스크립트의 문구

script-door-in = 입장하세요
script-door-stop = 입장 불가
script-door-seat = { $seat }번
script-door-row = { $row }열
script-door-alone = 연결 없이 확인함
script-door-already = { $time }에 { $gate } 게이트로 이미 입장함
script-door-void-refunded = 무효: 환불된 티켓
script-door-void-moved = 무효: 소유자가 바뀐 티켓
script-door-void-cancelled = 무효: 공연이 취소됨
script-door-other-concert = 다른 공연의 티켓
script-door-unreadable = 티켓이 아닙니다
script-door-forged = 위조되었거나 훼손된 티켓
script-door-old-key = 더는 쓰지 않는 키로 서명된 티켓입니다. 소유자가 티켓 화면을 다시 열어야 합니다
script-door-unknown = 판매된 적이 없는 티켓
script-door-unsure = 이 브라우저는 연결 없이 티켓을 확인할 수 없습니다
script-door-key-refused = 이 운영자 키는 쓸 수 없습니다
script-door-no-network = 서버가 응답하지 않습니다. 연결된 뒤에 다시 시도하세요.
script-door-no-concerts = 공연이 없습니다
script-door-no-camera = QR 코드를 읽을 카메라가 없습니다. 스캐너를 쓰거나 코드를 붙여 넣으세요
script-door-online = 연결됨
script-door-offline = 연결 안 됨
script-door-waiting = 전송 대기 { $count }건
script-door-conflict = { $time }: { $why }
