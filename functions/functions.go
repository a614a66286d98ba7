// Package functions carries the function.json files, the only place where a
// route is written. The Functions host reads the same files from dist/.
package functions

import "embed"

// FS holds <name>/function.json for every function.
//
//go:embed */function.json
var FS embed.FS
