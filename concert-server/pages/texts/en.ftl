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
