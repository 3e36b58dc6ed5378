# 도움말(`-h`, `--help`)의 한국어. 영어는 코드의 명령과 옵션 곁에 있고, 빠진 글과 남는 글은 시험이 찾습니다.
# id는 명령의 이름이고 서버 자체는 `main`입니다. 옵션은 그 뒤에 `--이름`을 붙입니다. 첫 문단은 `-h`가 보여 줍니다.

usage = 사용법
heading--commands = 명령
heading--arguments = 인자
heading--options = 옵션
heading--brakes-count-time-as-600-1m-1-to-10000000-in-1s-to-1day-or-off = 요청 제한: 600/1m 같은 횟수/시간(1s~1day에 1~10000000), 또는 off
note--default = 기본값
note--env = 환경 변수
note--values = 쓸 수 있는 값
help = 이 도움말이나 명령의 도움말을 보여 줍니다

main =
    공연 예매 시스템의 REST 서버입니다.

    데이터베이스 URL이 없으면 전용 MariaDB를 띄우고 데이터를 --data-dir에 둡니다.

    설정은 모두 옵션, 환경 변수, 파일의 한 줄로 줄 수 있으며, 앞의 것이 우선합니다.
main--help = 도움말을 보여 줍니다(-h: 짧게, --help: 자세히)
main--version = 버전을 보여 줍니다
main--config = 설정 파일. 앞의 줄표를 뺀 옵션 이름, =, 값을 hold-ttl = "5m"처럼 한 줄에 하나씩 적습니다. 지정하지 않으면 ./concert.toml이나 /etc/concert/concert.toml이 있을 때 읽습니다
main--listen = 요청을 받을 주소
main--admin-listen = 운영자용 두 번째 주소. 지표, 준비 상태, API 화면, /api/v1/admin이 --listen 대신 여기서 답합니다. /health/live는 양쪽에서 답합니다. 내부 네트워크에만 두십시오
main--database-url = 데이터베이스, mysql://user:password@host:3306/name. 없으면 전용 데이터베이스를 띄웁니다. 서버 하나에 연결이 17개 필요하고 29개까지 씁니다
main--database-url-file = 그 URL이 적힌 파일. 비밀번호가 프로세스 목록에 드러나지 않습니다. 끝의 공백은 무시합니다
main--schema = 같은 서버에서 이 시스템의 테이블을 둘 데이터베이스. 없으면 만듭니다. 지정하지 않으면 URL의 데이터베이스
main--data-dir = 전용 데이터베이스의 폴더
main--jwt-secret = 액세스 토큰에 서명하는 비밀 값, 32바이트 이상. 데이터베이스 URL을 쓰면 필요하며, 전용 데이터베이스는 자기 것을 보관합니다
main--jwt-secret-file = 그 비밀 값이 적힌 파일. 끝의 공백은 무시합니다
main--jwt-previous-secret = 바꾸기 전의 비밀 값. 이것으로 서명한 토큰도 계속 쓸 수 있습니다
main--jwt-previous-secret-file = 바꾸기 전의 비밀 값이 적힌 파일. 끝의 공백은 무시합니다
main--max-active = 이 데이터베이스의 모든 서버를 합쳐 안에 있을 수 있는 사람(ACTIVE)의 한도. 지정하지 않으면 데이터베이스의 값(처음에는 10)
main--active-ttl = 첫 조회나 행동부터의 입장 시간
main--claim-window = 차례가 된 사람의 첫 조회나 행동을 기다리는 시간. 지나면 다음 사람이 들어갑니다
main--hold-ttl = 결제 전까지 좌석을 선점하는 시간
main--hold-extension = 입장 시간 안에서 선점의 기한을 한 번 늘릴 수 있는 시간
main--after-payment-ttl = 결제한 뒤 선점한 것이 더 없을 때 남는 입장 시간
main--waiting-ttl = 대기열에서 기다리는 가장 긴 시간
main--session-ttl = 로그인 세션의 길이
main--bare-join = 비밀번호가 없는 사용자가 id만으로 대기열에 설 수 있는지. 그러면 id를 아는 사람이 그 지갑의 대기열 토큰을 받습니다 [기본값: 전용 데이터베이스면 on, 데이터베이스 URL이면 off]
main--bare-join--on = 켬
main--bare-join--off = 끔
main--recharge = 누가 지갑을 채우는지: everyone(각자 자기 지갑) 또는 operators(운영자) [기본값: 전용 데이터베이스면 everyone, 데이터베이스 URL이면 operators]
main--pages = 구매자, 입구, 운영자를 위한 화면을 보여 줄지. off면 REST만 답합니다
main--pages--on = 켬
main--pages--off = 끔
main--time-zone = 기본 시간대, Asia/Seoul 같은 IANA 이름. 시간대를 적지 않은 공연의 날짜와 시작 시각에 씁니다. 프로세스의 시간대는 영향을 주지 않습니다
main--currency = 통화, KRW나 USD나 EUR 같은 ISO 4217 코드. 금액의 소수 자릿수와 화면에 적는 방식을 정합니다 [기본값: 소수점 아래 두 자리, 이름 없음]
main--max-holds-per-user = 결제하지 않은 좌석을 한 사람이 한 번에 선점할 수 있는 수
main--max-holds-in-a-row = 같은 좌석을 결제하지 않고 놓기를 몇 번 연달아 하면 다른 사람에게 먼저 기회가 가는지. 1에서 100까지
main--seat-pause = 다른 사람에게 먼저 기회가 가는 시간. 0s면 없습니다
main--rerank-every = 대기열이 움직이는 간격. 끝난 차례만큼 다음 사람이 들어갑니다
main--sweep-every = 기한이 지난 선점을 정리하는 간격
main--max-connections = 이벤트 스트림을 포함해 한 번에 열 수 있는 연결의 수. 넘으면 상태와 지표 말고는 503으로 거절합니다
main--max-connections-per-address = 한 주소나 IPv6의 /64 하나에서 한 번에 열 수 있는 연결의 수. 넘으면 503으로 거절합니다. 이 컴퓨터와 --trust-proxy의 주소는 세지 않습니다
main--max-streams = 한 번에 열 수 있는 이벤트 스트림의 수. 넘으면 503으로 거절하고, 클라이언트는 조회로 대신합니다
main--max-polls-per-second = 기다리는 사람 모두가 하는 조회의 초당 한도. 대기열이 길수록 pollAfterSeconds가 늘어 이 아래에 머뭅니다
main--seats-max-age = 좌석과 날짜 목록이 얼마나 오래된 것이어도 되는지. 0s면 요청마다 읽습니다
main--idle-timeout = 연결이 요청의 머리를 보내거나 요청 사이에 쉴 수 있는 시간
main--write-timeout = 읽지 않는 클라이언트를 기다리는 시간. 지나면 연결을 끊습니다
main--max-connection-age = 연결이나 이벤트 스트림의 수명. 10분의 1쯤 차이가 나며, 그 뒤에는 클라이언트가 다시 엽니다
main--shutdown-deadline = 서버가 멈출 때 처리 중인 요청을 기다리는 시간
main--cors-origins = 호출해도 되는 페이지의 출처, https://host 또는 *. 여러 번 쓸 수 있고, 지정하지 않으면 없습니다
main--calls-per-address = 한 주소나 IPv6의 /64 하나에서 오는 모든 호출. 상태와 지표는 세지 않습니다
main--joins-per-address = 한 주소에서 대기열에 서는 호출. 이동 통신망은 수천 명이 한 주소를 씁니다
main--log-ins-per-address = 한 주소의 로그인
main--sign-ups-per-address = 한 주소의 회원 가입
main--attempts-per-name = 한 주소에서 한 아이디로 하는 로그인과 회원 가입
main--calls-per-user = 한 사용자의 모든 호출
main--joins-per-user = 한 사용자가 대기열에 서는 호출
main--give-backs-per-user = 한 사용자가 선점을 취소하거나 대기열을 떠나는 호출. 넘으면 그 사용자의 선점을 거절하며, 취소는 언제나 됩니다
main--wrong-codes-per-address = 한 주소에서 보낸 쓸 수 없는 코드. 넘으면 그 주소에서 코드로 서는 것을 거절합니다
main--wrong-codes-per-user = 한 사용자가 보낸 쓸 수 없는 코드. 넘으면 그 사용자가 코드로 서는 것을 거절합니다
main--brake-loopback = 보통은 제한하지 않는 이 컴퓨터의 주소도 제한합니다
main--brake-loopback--on = 켬
main--brake-loopback--off = 끔
main--trust-proxy = X-Forwarded-For나 Forwarded로 클라이언트를 알려 주는 프록시의 네트워크, 10.0.0.0/8처럼. 여러 번 쓸 수 있고, 지정하지 않으면 없습니다
main--log = 무엇을 기록할지. info,concert_core=debug처럼 적습니다
main--log-format = 기록의 형식
main--log-format--text = 사람이 읽는 형식
main--log-format--json = 한 줄에 JSON 객체 하나
main--otlp-endpoint = 트레이스를 받을 OpenTelemetry 수집기, http://127.0.0.1:4318처럼. HTTP로 OTLP를 /v1/traces에 보냅니다. 지정하지 않으면 보내지 않으며, --features otel로 빌드한 서버에만 있습니다
main--otlp-sample = 요청 가운데 얼마나 트레이스를 남길지: 1%, 또는 0.01. 1초에 100개까지이며, traceparent가 요구한 것은 따로 1초에 10개까지입니다

config =
    모든 설정과, 그것이 옵션, 환경 변수, 자격 증명, 파일, 기본값 가운데 어디에서 왔는지 보여 줍니다

    서버와 같은 옵션, 변수, 파일을 받으며 아무것도 시작하지 않습니다. 비밀 값은 보여 주지 않습니다. 서버가 이 값들로 시작하지 못하면 이유를 모두 알리고 종료 코드 2로 끝납니다.
config--output = 보여 주는 방식
config--output--table = 사람이 읽는 표
config--output--json = 프로그램이 읽는 문서 하나
health =
    같은 설정으로 도는 서버가 준비되었는지 묻습니다. 그러면 0, 아니면 1로 끝납니다

    --admin-listen의 /health/ready에, 없으면 --listen에 묻습니다.
health--live = 답하는지만 묻고(/health/live), 데이터베이스는 묻지 않습니다
health--within = 답을 기다리는 시간
man = 서버와 그 명령마다 하나씩 매뉴얼을 씁니다
man--out = 폴더. 없으면 만듭니다
completions =
    셸의 자동 완성을 출력합니다

    bash: source <(concert-server completions bash)
