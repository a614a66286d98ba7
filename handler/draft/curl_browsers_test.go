package draft_test

// browsers are commands as browsers' "Copy as cURL" and documentation for Windows
// write them.
func browsers() []printed {
	return []printed{
		{name: "Chrome, bash", command: `curl 'https://app.example.com/api/notes?draft=true' \
  -H 'accept: application/json, text/plain, */*' \
  -H 'accept-language: en-US,en;q=0.9' \
  -H 'content-type: application/json' \
  -b 'session=abcdef0123456789; theme=dark' \
  -H 'origin: https://app.example.com' \
  -H 'priority: u=1, i' \
  -H 'sec-ch-ua: "Chromium";v="128", "Not;A=Brand";v="24"' \
  -H 'user-agent: Mozilla/5.0 (X11; Linux x86_64)' \
  --data-raw $'{"title":"It\'s here","text":"one\\ntwo \u00e9\u0021"}' \
  --compressed`,
			draft: `example_post_notes POST https://app.example.com/api/notes?draft=true none | accept: application/json, text/plain, */* | accept-language: en-US,en;q=0.9 | origin: https://app.example.com | priority: u=1, i | sec-ch-ua: "Chromium";v="128", "Not;A=Brand";v="24" | user-agent: Mozilla/5.0 (X11; Linux x86_64) | Cookie: (secret) | title string="It's here" | text string="one\ntwo é!"`},
		{name: "Firefox, bash", command: `curl 'https://app.example.com/api/form' --compressed -X POST -H 'User-Agent: Mozilla/5.0' -H 'Accept-Encoding: gzip, deflate, br' -H 'Content-Type: application/x-www-form-urlencoded' -H 'Connection: keep-alive' -H 'Cookie: sid=0123456789abcdef' --data-raw 'q=a+b%26c&empty=&lang=d%C3%A9'`,
			draft: `example_post_form POST https://app.example.com/api/form none | User-Agent: Mozilla/5.0 | Cookie: (secret) | form | q string="a b&c" | empty string="" | lang string="dé"`},
		{name: "Chrome, cmd", command: `curl ^"https://app.example.com/api/notes?a=1^&b=2^" ^
  -X ^"PUT^" ^
  -H ^"accept: */*^" ^
  -H ^"content-type: application/json^" ^
  -H ^"authorization: Bearer not-a-token-at-all^" ^
  --data-raw ^"^{^\^"title^\^":^\^"50^% ^&^\^"^}^"`,
			arguments: []string{"https://app.example.com/api/notes?a=1&b=2", "-X", "PUT", "-H", "accept: */*", "-H", "content-type: application/json",
				"-H", "authorization: Bearer not-a-token-at-all", "--data-raw", `{"title":"50% &"}`},
			draft: `example_put_notes PUT https://app.example.com/api/notes?a=1&b=2 bearer | accept: */* | title string="50% &"`},
		{name: "cmd with carets at the ends of lines", command: `curl -X POST "https://api.example.com/v1/contacts?tag=a&tag=b" ^
 -H "Content-Type: application/json" ^
 -u "svc:long-enough-password" ^
 -d "{\"email\": \"a@example.com\", \"path\": \"C:\\temp\\\\\"}"`,
			arguments: []string{"-X", "POST", "https://api.example.com/v1/contacts?tag=a&tag=b", "-H", "Content-Type: application/json",
				"-u", "svc:long-enough-password", "-d", `{"email": "a@example.com", "path": "C:\\temp\\"}`},
			draft: `example_post_contacts POST https://api.example.com/v1/contacts?tag=a&tag=b basic svc | email string="a@example.com" | path string="C:\\temp\\"`},
	}
}
