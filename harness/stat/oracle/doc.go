// Package oracle has tests alone: harness/stat against others' statistics over
// random inputs: [gonum], [benchmath] of the Go project and, where python3 has it,
// scipy.
//
// It is a module of its own, so that who uses evalrun does not get them among its
// dependencies; go test ./... in the folders above does not run it:
//
//	cd harness/stat/oracle && go test ./...
//
// [gonum]: https://gonum.org
// [benchmath]: https://pkg.go.dev/golang.org/x/perf/benchmath
package oracle
