# 도구의 글. en.ftl과 id와 변수가 같아야 하며, 빌드할 때 대조합니다.

## 실패

not-confirmed = 아무것도 바꾸지 않았습니다
interrupted = 중단되었습니다
