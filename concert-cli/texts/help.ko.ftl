# 도움말(`-h`, `--help`)의 한국어. 영어는 코드의 명령과 옵션 곁에 있고, 빠진 글과 남는 글은 시험이 찾습니다.
# id는 명령의 이름들이고(`queue-set`), 옵션은 그 뒤에 `--이름`을 붙입니다. 명령에 없는 옵션은 상위 명령에서, 끝으로 `main`에서
# 찾습니다. 첫 문단은 `-h`가 보여 줍니다.

usage = 사용법
heading--commands = 명령
heading--arguments = 인자
heading--options = 옵션
heading--global-options = 공통 옵션
note--default = 기본값
note--env = 환경 변수
note--values = 쓸 수 있는 값
help = 이 도움말이나 명령의 도움말을 보여 줍니다

## 도구 전체

main =
    공연 예매 시스템의 운영자 도구입니다.

    --database-url로 지정한 데이터베이스에서 일합니다. 지정하지 않으면 --data-dir의 전용 MariaDB를 쓰며, 서버나 다른 명령이 이미 띄워 두지 않았다면 직접 시작하고 멈춥니다.
main--after-help =
    결과는 stdout에, 나머지는 모두 stderr에 씁니다. NO_COLOR를 따릅니다.

    종료 코드:
      0  완료
      1  거절 또는 실패. 지정한 것 가운데 일부만 그래도 1이며, 된 것은
         stdout에 있습니다. stderr에 `오류: <글> (코드)`를 씁니다
      2  명령줄이나 입력이 올바르지 않음

    --output json이면 1과 2일 때 stderr의 마지막 줄은
    {"{"}"error": {"{"}"code", "message"{"}"}{"}"}입니다.
main--help = 도움말을 보여 줍니다(-h: 짧게, --help: 자세히)
main--version = 버전을 보여 줍니다
main--config = 설정 파일. 서버의 것과 같고, time-zone = "Asia/Seoul"처럼 한 줄에 하나씩 적습니다. 지정하지 않으면 ./concert.toml이나 /etc/concert/concert.toml이 있을 때 읽습니다
main--database-url = 데이터베이스: mysql://user:password@host:3306/name [기본값: 전용 데이터베이스]
main--database-url-file = 그 URL이 적힌 파일. 비밀번호가 프로세스 목록에 드러나지 않습니다. 끝의 공백은 무시합니다
main--schema = 같은 서버에서 이 시스템의 테이블이 있는 데이터베이스. 서버와 같게 지정합니다 [기본값: URL의 데이터베이스]
main--data-dir = 전용 데이터베이스의 폴더
main--jwt-secret = 액세스 토큰에 서명하는 비밀 값. 서버와 같게 지정하며, `token issue`와 `token show`에만 필요합니다. 전용 데이터베이스는 자기 것을 보관합니다
main--jwt-secret-file = 그 비밀 값이 적힌 파일. 끝의 공백은 무시합니다
main--active-ttl = `rerank`나 `token issue`로 들어온 사람의 입장 시간. 서버와 같게 지정합니다
main--claim-window = `rerank`로 차례가 된 사람의 첫 행동을 기다리는 시간. 서버와 같게 지정합니다
main--hold-ttl = `hold`가 좌석을 선점하는 시간. 서버와 같게 지정합니다
main--hold-extension = `extend`가 기한을 늘리는 시간. 서버와 같게 지정합니다
main--time-zone = 기본 시간대. Asia/Seoul 같은 IANA 이름이며 서버와 같게 지정합니다
main--currency = 통화. KRW 같은 ISO 4217 코드이며 서버와 같게 지정합니다 [기본값: 소수점 아래 두 자리, 이름 없음]
main--max-holds-per-user = 결제하지 않은 좌석을 한 사람이 한 번에 선점할 수 있는 수. 서버와 같게 지정합니다
main--max-holds-in-a-row = 같은 좌석을 선점했다 놓기를 몇 번 연달아 하면 다른 사람에게 먼저 기회가 가는지. 서버와 같게 지정합니다
main--seat-pause = 다른 사람에게 먼저 기회가 가는 시간. 서버와 같게 지정합니다
main--after-payment-ttl = `pay` 뒤에 선점한 것이 더 없을 때 남는 입장 시간. 서버와 같게 지정합니다
main--output = 결과를 보여 주는 방식
main--output--table = 사람이 읽는 표
main--output--json = 프로그램이 읽는 문서 하나
main--operator = 기록에 남길 이름. 이 프로세스의 사용자와 호스트는 언제나 함께 남습니다: `ann (root@desk-3)`
main--dry-run = 무엇을 할지 보여 주기만 합니다
main--yes = 묻지 않고 합니다
main--sale = 판매의 이름이나 id. 지정하지 않으면 기본 판매
main--user = 사용자의 이름이나 id
main--concert = 공연의 이름이나 id
main--reason = 기록에 남길 이유

## 데이터베이스

migrate =
    데이터베이스의 스키마를 최신으로 만듭니다

    여러 프로세스가 동시에 해도 됩니다. 서버는 시작할 때 스스로 합니다. `migrate`를 먼저 하면 서버는 행에 대한 권한만 있는 사용자로 돌 수 있습니다.
seed =
    시험 삼아 써 볼 공연, 좌석, 사용자로 데이터베이스를 채웁니다

    먼저 스키마를 최신으로 만듭니다. 비밀번호가 없는 사용자의 id를 알면 그 이름으로 대기열에 설 수 있으므로 id는 무작위입니다. --seed를 지정하면 같은 숫자에서 언제나 같은 id가 나오므로 누구나 알아낼 수 있습니다. 한 데이터베이스는 같은 --seed를 한 번만 받습니다. 대기열 토큰이나 결제가 있으면 실제 판매일 수 있으므로 먼저 묻습니다. 좌석의 앞 10 %는 Front 구역(150), 다음 30 %는 Middle(120), 나머지는 Back(80)이며, --rows를 쓰면 열을 이 비율로 나눕니다. 두 구역을 만들기에 작으면 이름 없는 한 구역입니다. 사용자는 비밀번호가 없고, 서버가 허용하면(--bare-join) id만으로 대기열에 섭니다. 표는 처음 100개만, --output json은 모두 보여 줍니다. 도중에 멈추면 다 만든 공연은 남고 사용자는 남지 않습니다.
seed--concerts = 공연의 수. 날짜는 하루씩 이어집니다
seed--seats = 공연마다 있는 좌석의 수
seed--rows = 공연의 좌석을 길이가 같은 몇 열로 나눌지. 모든 구역을 합한 수입니다 [기본값: 열 없음]
seed--users = 사용자의 수
seed--balance = 사용자마다 있는 잔액
seed--starting = 첫 공연의 날짜, YYYY-MM-DD [기본값: 내일, UTC]
seed--seed = 모든 id와 이름의 바탕이 되는 숫자 [기본값: id는 무작위, 이름은 다음 번호]
seed--yes = 대기열 토큰이나 결제가 있는 데이터베이스도 묻지 않고 채웁니다
sweep =
    기한이 지난 선점의 좌석을 지금 되돌립니다

    서버가 1분마다 하는 일입니다. 정리일 뿐이며, 기한이 지난 선점은 그 전에도 빈 좌석으로 칩니다.
rerank =
    끝난 차례를 정리하고 대기열의 앞사람을 지금 들입니다

    서버가 10초마다 하는 일입니다. --claim-window 안에 행동을 시작한 사람은 그때부터 --active-ttl 동안 머뭅니다.
status = 대기열, 공연별 좌석, 선점, 매출을 보여 줍니다
status--watch = 이 초마다 되풀이합니다. Ctrl-C로 멈춥니다
audit =
    데이터베이스에서 불변 조건이 지켜지는지 확인합니다

    한 스냅샷으로 모두 읽으므로 진행 중인 판매를 방해하지 않습니다. 잘못이 있으면 그 행을(확인마다 100개까지) 보여 주고 1로 끝납니다.
doctor =
    데이터베이스와 그 설정과 테이블이 판매에 맞는지 확인하고, 무엇을 바꿀지 알려 줍니다

    설정과 테이블의 목록만 읽으며, 아직 migrate하지 않은 스키마에서도 됩니다. 바꿔야 할 것이 있으면 1로 끝납니다. 권고는 여기에 들지 않습니다.
doctor--servers = 서버를 몇 대 둘지. max_connections를 계산할 때 씁니다
doctor--brief = 표에서 문제없는 항목을 뺍니다

## 공연

concert = 파일의 공연을 판매에 올리고, 보고, 바꾸고, 닫고, 취소합니다
concert--concert = 공연의 이름이나 id
concert--if-version = 아직 이 버전일 때만
concert--dry-run = 바꾸지 않고, 무엇이 바뀔지 보여 줍니다
concert-add =
    TOML 파일에 적힌 공연을 판매에 올립니다. 전부 올리거나 하나도 올리지 않습니다

    docs/src/concerts.md와 examples/concerts/hall.toml에 설명과 예가 있습니다. `concert generate`가 이런 파일을 지어냅니다.
concert-add--file = 파일. `-`는 stdin입니다
concert-add--sale = 파일의 내용과 상관없이, 판매의 이름이나 id
concert-add--dry-run = 파일을 확인하고, 무엇이 더해질지 보여 주기만 합니다
concert-list = 모든 공연을 날짜순으로 보여 줍니다
concert-show = 공연 하나와, 구역마다 빈·선점·판매·판매 제외 좌석이 몇인지 보여 줍니다
concert-edit = 공연을 바꿉니다. 말하지 않은 것은 그대로입니다
concert-edit--name = 새 이름
concert-edit--date = 날짜. 공연장의 시각으로
concert-edit--start = 시작 시각. 공연장의 시각으로 20:00처럼, 또는 `none`
concert-edit--zone = 공연장의 시간대(IANA 이름), 또는 기본 시간대를 뜻하는 `none`
concert-edit--max-seats-per-user = 한 사람이 선점과 구매를 합해 가질 수 있는 좌석의 수, 또는 `none`
concert-edit--status = 다시 판매하거나 닫습니다. 취소는 `concert cancel`로 합니다
concert-close =
    공연을 닫습니다. 새로 선점하지 못하고, 선점한 것은 결제할 수 있습니다

    `concert edit --status ON_SALE`로 다시 판매합니다.
concert-cancel =
    공연을 취소합니다. 선점과 결제를 막고, 모든 선점을 끝내고, 모든 결제를 환불합니다

    되돌릴 수 없고, 처음의 이유가 남습니다. 좌석은 판매에서 빠진 채로 남습니다. 도중에 멈췄다면 다시 실행하거나, 켜져 있는 서버에 맡기면 됩니다. 결제는 한 번만 환불합니다.
concert-cancel--reason = 이유. 기록에 남고 구매자도 봅니다
concert-cancel--dry-run = 무엇을 할지 보여 주기만 합니다
concert-generate = 홀이나 경기장을 지어내어 `concert add`가 읽는 파일로 출력합니다
concert-generate--kind = 홀은 앞에서 뒤로 구역이 있고 열 가운데에 통로가 있으며, 경기장은 그라운드 둘레에 블록이 고리로 있습니다
concert-generate--sections = 앞에서 뒤로 구역 하나, 또는 안쪽부터 고리 하나: 이름, 좌석 수, 좌석 하나의 값
concert-generate--row-length = 홀의 한 열에 있는 좌석의 수
concert-generate--name = 공연의 이름
concert-generate--date = 날짜
concert-generate--start = 시작 시각: 20:00
concert-generate--zone = 공연장의 시간대(IANA 이름)
concert-generate--max-seats-per-user = 한 사람이 가질 수 있는 좌석의 수

## 판매와 대기열

sale = 판매를 만들고, 진행 중에 바꾸고, 보여 줍니다
sale--sale = 판매의 이름이나 id
sale--doors = 대기열에 설 수 있는 시각: 2027-03-05T19:30:00+09:00, `now`, 또는 `none`
sale--opens = 사람들을 들이기 시작하는 시각
sale--closes = 끝나는 시각. 그때부터 대기열에 서거나 선점하지 못합니다
sale--order = 판매가 시작될 때 누가 먼저 들어가는지
sale--max-active = 안에 있을 수 있는 사람(ACTIVE)의 한도
sale--per-minute = 60초 동안 들일 수 있는 사람의 한도, 또는 `none`
sale--max-seats-per-user = 한 사람이 선점과 구매를 합해 가질 수 있는 좌석의 수, 또는 `none`
sale-add = 판매와 그 대기열을 만듭니다. 공연은 만들 때 판매에 넣습니다
sale-add--name = 이름. 1자에서 255자까지이며 다른 판매와 달라야 합니다
sale-list = 모든 판매를 보여 줍니다
sale-show = 판매 하나와 그 공연을 보여 줍니다
sale-draw =
    대기열이 열린 뒤 공개적으로 뽑은 값을 알려, 판매가 시작될 때의 추첨에 씁니다

    추첨이 이 값을 섞으므로 비밀 값을 아는 사람도 순서를 고를 수 없습니다. 복권 번호 같은 값입니다. 판매가 시작되기 전에는 고칠 수 있고, 기록에는 모든 값이 남습니다.
sale-draw--public-value = 모두가 아는 그대로의 글. 1자에서 255자까지
sale-set = 진행 중인 판매를 바꿉니다. 이 데이터베이스에서는 바로, 모든 서버에서는 1초 안에 반영됩니다
sale-set--name = 앞으로 쓸 이름
sale-set--if-version = 아직 이 버전일 때만
queue = 판매의 대기열을 모든 서버에서 한꺼번에 멈추고, 잇고, 조절하며, 누가 그랬는지 보여 줍니다
queue-pause = 아무도 들이지 않습니다. 새로 온 사람은 기다리고, 안에 있는 사람(ACTIVE)은 그대로입니다
queue-resume = 다시 사람들을 들입니다
queue-set = 얼마나 들일지 정합니다
queue-set--max-active = 안에 있을 수 있는 사람(ACTIVE)의 한도
queue-set--per-minute = 60초 동안 들일 수 있는 사람의 한도, 또는 `none`
queue-verify-draw =
    모든 토큰으로 판매의 추첨을 다시 계산하고, 모두 맞는지 알려 줍니다

    한 스냅샷으로 토큰을 읽습니다. 추첨 대상은 도착한 순서대로이며, 그 id에서 체인이, 체인과 비밀 값에서 키가, 키에서 각자의 순번이 나옵니다. 어긋나는 것이 있으면 1로 끝납니다. 누구나 같은 계산을 하는 방법은 docs/src/draw.md에 있습니다.
queue-verify-draw--sale = 판매의 이름이나 id
queue-verify-draw--places = 공개할 수 있도록, 추첨한 모두의 `ticket,tokenId,place`를 이 파일에 씁니다
queue-log = 누가 언제 무엇을 바꿨는지 최신순으로 보여 줍니다
queue-log--limit = 몇 개를 보여 줄지
codes =
    판매의 접속 코드를 만들고, 보여 주고, 폐기합니다

    PRESALE 코드가 있으면 판매가 시작되기 전에 대기열에 서서 다른 사람보다 먼저 들어갑니다. FRONT 코드가 있으면 코드가 없는 모두의 앞에 섭니다.
codes--named = 판매의 이름이나 id. 지정하지 않으면 기본 판매
codes--flagged = 위와 같습니다
codes-make = 코드를 만듭니다. 한 번만 보여 주며 어디에도 저장하지 않습니다
codes-make--count = 몇 개를 만들지
codes-make--uses = 코드마다 몇 번 쓸 수 있는지
codes-make--kind = 무엇을 위한 코드인지
codes-list = 코드를 최신순으로 보여 줍니다. 폐기한 것도 보여 주지만 코드 자체는 보여 주지 않습니다
codes-list--limit = 몇 개를 보여 줄지
codes-revoke = 코드를 폐기합니다. 되돌릴 수 없으며, 이미 쓴 사람은 자리를 지킵니다
codes-revoke--codes = 코드, 또는 목록에 있는 id
codes-revoke--all = 판매의 모든 코드

## 사용자

token = 사용자의 대기열 토큰을 발급하고, 보여 주고, 끝냅니다
token-issue = 사용자를 대기열에 세우거나, 사용자의 자리를 이어 줍니다
token-show = 사용자가 대기열 어디에 있는지 보여 줍니다
token-expire =
    사용자의 차례나 대기를 끝냅니다. 결제하지 않은 선점은 놓습니다

    자리는 사라집니다. 사용자는 맨 뒤에 다시 설 수 있을 뿐입니다. 터미널에서는 먼저 묻습니다.
user = 사용자를 만들고, 보여 주고, 바꿉니다
user-create = 사용자를 만듭니다. 비밀번호가 없으면 로그인하지 못하고 id만으로 대기열에 섭니다
user-create--password-stdin = 비밀번호를 stdin에서 끝까지 읽습니다. 마지막 줄바꿈은 비밀번호가 아닙니다
user-create--balance = 처음 잔액
user-create--reference = 처음 잔액에 해당하는 입금
user-show = 사용자와 잔액을 보여 줍니다
user-disable = 사용자를 막습니다. 세션이 끝나고, 로그인도 대기열에 서기도 되지 않으며, 대기열의 자리와 선점을 잃습니다
user-enable = 막은 사용자가 다시 로그인하고 대기열에 설 수 있게 합니다
user-forget = 개인 정보를 지웁니다. 이름과 비밀번호가 영구히 사라지고 사용할 수 없게 됩니다. 지갑, 결제, 좌석은 id로 남습니다
user-rename = 사용자의 이름을 바꿉니다
user-set-password = 사용자의 비밀번호를 바꾸고 모든 세션을 끝냅니다. 터미널에서 묻거나 stdin에서 읽습니다
user-set-password--password-stdin = 터미널에서도 stdin에서 끝까지 읽습니다. 마지막 줄바꿈은 비밀번호가 아닙니다
user-end-sessions = 사용자의 모든 세션과 그 전에 받은 대기열 토큰을 끝냅니다. 대기열의 자리는 남습니다
recharge =
    들어온 입금만큼 사용자의 지갑을 채웁니다

    한 입금은 한 사용자에게 한 번만 들어갑니다. 같은 참조를 다시 쓰면 거절합니다.
recharge--name-or-id = 사용자의 이름이나 id
recharge--reference = 해당하는 입금. 보낸 사람이나 결제 대행사가 부르는 이름

## 좌석과 주문

hold = 차례가 된 사용자를 위해, 또는 대기열 밖에서 좌석을 선점합니다. 전부 선점하거나 하나도 하지 않습니다
hold--seats = 이 번호의 좌석
hold--best = 가장 좋은 빈 좌석을 이만큼. 되도록 한 열에 나란히
hold--section = 이 구역의 좌석만
hold--together = 한 열에 나란히 있거나, 아니면 하나도 선점하지 않습니다
hold--bypass-queue = 창구나 초대 손님을 위해 차례 없이 선점합니다. 기록에 남고 따로 셉니다. 결제에도 차례가 필요 없습니다
extend = 사용자의 주문의 기한을 늘립니다. 한 번만 할 수 있고, 입장 시간도 그만큼 이어집니다
extend--order = 주문
pay = 사용자의 주문에서 선점한 모두를 사용자의 지갑으로 한 번에 결제합니다. 전부 결제하거나 하나도 하지 않습니다
pay--order = 주문
explain =
    토큰, 좌석, 예약, 사용자에게 언제 왜 무슨 일이 있었고 다음에 무슨 일이 있을지 알려 줍니다

    읽기만 하며, 데이터베이스에 기록된 것을 알려 줍니다. 서버의 시간 설정(--active-ttl, --claim-window)을 함께 주십시오.
explain-token = 대기열에 한 번 다녀간 일
explain-seat = 좌석과, 그 좌석을 선점했던 모두
explain-reservation = 선점 하나와 그 상태
explain-user = 사용자: 계정, 대기열, 좌석, 돈
export =
    모든 결제, 좌석, 지갑 내역, 관객을 CSV나 JSON으로 씁니다

    아무리 오래 걸려도 한 순간의 목록이며, `audit`와 `status`가 쓰는 합계와 대조합니다. 시각은 공연장의 시간대이며 곁에 UTC가 있습니다. CSV에서는 스프레드시트가 수식으로 읽을 글 앞에 작은따옴표를 붙입니다.
export--kind = payments(결제, 환불한 것 포함), seats(좌석과 그 상태), entries(지갑 내역), attendees(판매된 좌석과 소유자)
export--of = 이 공연만. 이름이나 id
export--concert = 위와 같습니다
export--format = 형식 [기본값: csv, --output json이면 json]
export--format--csv = 스프레드시트용: RFC 4180
export--format--json = 프로그램용: 한 줄에 객체 하나인 목록
export--bom = Excel이 UTF-8인 줄 알 수 있도록 CSV 앞에 표시를 둡니다
export--out = 이 파일에 쓰고 합계를 출력합니다. 파일은 다 쓴 뒤에 나타납니다
refund =
    결제한 지갑에 돈을 돌려주고 좌석을 다시 판매하거나 판매에서 뺍니다. 한 트랜잭션입니다

    되돌릴 수 없으며, 결제는 한 번만 환불합니다. 티켓이 지금 누구에게 있든 돈은 결제한 사용자에게 갑니다. 켜져 있는 서버는 --seats-max-age 안에 빈 좌석으로 보여 줍니다. 취소된 공연의 좌석은 판매에서 빠진 채로 남습니다.
refund--to-sale = 좌석을 다시 판매합니다. 말하지 않으면 이렇게 합니다
refund--off-sale = 좌석을 이유와 함께 판매에서 뺍니다
seat =
    좌석을 판매에서 빼고 되돌리고, 값을 정하고, 좌석을 더하고, 자리를 맞바꿉니다

    좌석은 번호와 번호의 범위로 적습니다: `1-20,25`. 선점했거나 판매된 좌석은 잃지 않습니다. 바꿀 수 없는 좌석은 이유와 함께 보여 주고 나머지를 바꿉니다. 하나라도 거절되면 종료 코드 1로 끝납니다. 켜져 있는 서버는 --seats-max-age 안에 보여 줍니다.
seat--concert = 공연의 이름이나 id
seat--seats = 이 좌석들: `1-20,25`
seat--numbers = 위와 같습니다
seat--section = 이 구역의 모든 좌석
seat--row = 이 열의 모든 좌석. --section과 함께 쓰면 그 구역의 열
seat--price = 좌석 하나의 값. 0 이상
seat--dry-run = 바꾸지 않고, 무엇이 바뀔지 알려 줍니다
seat-block = 카메라나 초대 손님을 위해, 아무도 갖지 않은 좌석을 판매에서 뺍니다
seat-unblock = 판매에서 뺐거나 환불하면서 뺀 좌석을 다시 판매합니다
seat-price = 앞으로 선점할 사람이 낼 값을 정합니다. 선점했거나 판매된 것은 값이 그대로입니다
seat-add = 공연장에 열 하나나 그 일부를 더합니다
seat-add--seats = 좌석의 번호. 그 공연의 다른 좌석과 달라야 합니다
seat-add--section = 좌석이 있는 구역의 이름
seat-add--row = 좌석이 있는 열의 이름
seat-add--first-place = 첫 좌석이 열에서 몇 번째 자리인지. 나머지는 그 옆으로 이어집니다. 지정하지 않으면 번호가 곧 자리입니다
seat-add--marks = 좌석의 특징: accessible, "restricted view"(RESTRICTED_VIEW와 같음), 또는 공연장이 정한 말. 여러 번 쓸 수 있습니다
seat-swap =
    두 좌석의 자리를 맞바꿉니다. 선점했든 구매했든 한쪽을 가진 사람이 이제 다른 쪽을 가집니다

    한쪽이 비어 있으면 다른 쪽의 사람이 그리로 옮깁니다. 값, 기한, 주문, 소유자는 그대로입니다.

## 티켓, 키, 기록

ticket =
    판매된 좌석을 보여 주고, 다른 사람에게 넘기고, 입구에서 보인 것을 확인합니다

    티켓의 id는 예약의 id입니다.
ticket-show = 티켓의 좌석, 소유자, 결제, 그리고 어떻게 소유자가 바뀌었는지 보여 줍니다
ticket-move =
    티켓을 다른 사람에게 넘깁니다. 그때부터 그 사람의 한도에 듭니다

    결제는 결제한 사용자에게 남으며, 환불도 그 사용자에게 갑니다.
ticket-move--to = 새 소유자의 이름이나 id
ticket-move--reason = 기록에 남길 이유
ticket-verify =
    QR 코드의 내용이 무엇인지, 지금 입장할 수 있는지, 누가 이미 입장했는지 알려 줍니다

    아무것도 바꾸지 않습니다. 입장할 수 없으면 1로 끝납니다.
ticket-verify--payload = 스캐너가 읽은 그대로: `v1.<key id>.<ticket>.<signature>`
ticket-key = 티켓에 서명하는 키
ticket-key-make =
    키를 만듭니다. 이제 모든 서버가 이 키로 서명합니다

    앞선 키로 서명한 티켓은 그 키를 폐기할 때까지 유효합니다.
ticket-key-list = 키를 보여 줍니다. 폐기한 것도 보여 줍니다
ticket-key-retire =
    키를 폐기합니다. 이제 이 키로 서명한 티켓으로는 입장하지 못합니다

    티켓의 소유자는 전과 같은 곳에서 새 QR 코드를 봅니다. 되돌릴 수 없습니다.
key = 운영자가 REST에서 쓰는 키를 만들고, 보여 주고, 폐기합니다
key-make = 키를 만듭니다. 한 번만 보여 주며 어디에도 저장하지 않습니다
key-make--role = 할 수 있는 일: `viewer`는 읽기, `gate`는 읽기와 티켓 확인, `operator`는 모든 일
key-make--name = 키의 주인. 이 이름으로 기록에 남습니다
key-list = 키를 보여 줍니다. 폐기한 것도 보여 줍니다
key-revoke =
    키를 폐기합니다. 모든 서버가 2초 안에 거절합니다

    되돌릴 수 없습니다. 필요하면 새 키를 만드십시오.
log = 어떤 방법으로든 운영자가 한 일을 최신순으로 보여 줍니다
log--limit = 몇 개를 보여 줄지
log--starting-after = 이 일의 다음부터. 앞서 마지막으로 보인 기록의 id
completions =
    셸의 자동 완성을 출력합니다

    bash: source <(concert-cli completions bash)
man =
    명령마다 하나씩 매뉴얼을 씁니다

    읽으려면: concert-cli man --out pages && man pages/concert-cli-hold.1
man--out = 폴더. 없으면 만듭니다
