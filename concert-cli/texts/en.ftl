# Texts of the tool. ko.ftl has the same ids with the same variables; the build compares them.

## Failures

not-confirmed = nothing was done
interrupted = interrupted
