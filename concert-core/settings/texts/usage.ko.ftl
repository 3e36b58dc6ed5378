# 명령줄이 올바르지 않을 때의 한국어. 영어는 clap이 씁니다. 글마다 함수가 하나씩 만들어지므로, 글이 없으면 빌드되지 않습니다.

error = 오류:
tip = 참고:
more-help = 자세한 내용은 '{ $flag }'로 볼 수 있습니다.

## 무엇이 잘못되었는지

unknown-argument = 알 수 없는 인자입니다: '{ $argument }'
unknown-command = 알 수 없는 명령입니다: '{ $command }'
missing-arguments = 다음 인자가 필요합니다:
missing-command = '{ $command }' 뒤에 명령을 적어 주십시오
missing-value = '{ $argument }'에 값이 필요합니다
unknown-value = '{ $argument }'에 쓸 수 없는 값입니다: '{ $value }'
refused-value = '{ $argument }'의 값 '{ $value }': { $why }
too-many-values = '{ $argument }'에 값이 너무 많습니다: '{ $value }'
too-few-values = '{ $argument }'에는 값이 { $least }개 이상 필요합니다. 적은 값: { $count }개
other-number-of-values = '{ $argument }'에는 값이 { $needed }개 필요합니다. 적은 값: { $count }개
no-equals = '{ $argument }'의 값은 = 뒤에 붙여 적어 주십시오
argument-twice = '{ $argument }' 인자는 한 번만 쓸 수 있습니다
conflict = '{ $argument }' 인자와 함께 쓸 수 없습니다: '{ $other }'
conflicts = '{ $argument }' 인자와 함께 쓸 수 없습니다:
conflict-with-some = '{ $argument }' 인자와 함께 쓸 수 없는 인자가 있습니다
not-utf8 = UTF-8이 아닌 인자가 있습니다

## 비슷한 것

similar-argument = 비슷한 인자가 있습니다: { $names }
similar-command = 비슷한 명령이 있습니다: { $names }
similar-value = 비슷한 값이 있습니다: { $names }
as-a-value = '{ $text }' 자체를 값으로 쓰려면 '{ $usage }'처럼 적어 주십시오
there-is = 쓸 수 있는 인자가 있습니다: '{ $usage }'
without-dashes = '{ $command }' 명령을 쓰려면 앞의 '--'를 빼 주십시오
