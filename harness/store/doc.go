// Package store keeps runs in an embedded SQL database.
package store
