// Package suite reads YAML suites.
package suite
