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
said-method-not-allowed = 이 경로에서 쓸 수 있는 메서드: { $methods }
said-payload-too-large = 요청 본문은 { $most }바이트를 넘을 수 없습니다.
said-media-type = 요청 본문은 JSON이어야 합니다. Content-Type: application/json
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
said-one-way-to-name-seats = seatNumber, seatNumbers, bestAvailable 가운데 하나만 적어 주십시오.
said-if-match = If-Match에는 응답에서 받은 ETag 하나(예: "3")나 *를 적습니다.
