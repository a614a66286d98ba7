// Package draft turns what people already have about an API into drafts of
// configurations: a cURL command as a vendor's documentation prints it, or an
// OpenAPI document (design: section 6). Nothing is stored, sent or looked up, and
// no file is read, whatever the input says.
package draft
