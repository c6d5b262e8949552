// Package evaltest runs evals of LLM apps as Go tests.
package evaltest
