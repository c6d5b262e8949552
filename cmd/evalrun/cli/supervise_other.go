//go:build !unix

package cli

func becomeChild() (end func(code int), ok bool) { return nil, false }

func supervise(*app) (code int, ok bool) { return 0, false }
