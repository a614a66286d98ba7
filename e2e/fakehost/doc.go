// Package fakehost stands in for the Azure Functions host with a custom
// handler: it starts the handler of a packaged folder, checks keys, forwards
// requests in either mode with that mode's quirks, fires timers, and applies
// the rules for exit codes and log lines.
//
// What it does follows the host's own source (Azure/azure-functions-host,
// dotnet/yarp, dotnet/aspnetcore) and the documentation of System.Uri, read
// rather than run. It is stricter than the host in one place: what the host
// would log and leave out (a bad function name, a reserved route) stops Start,
// so that no test overlooks it.
//
// Not modelled: time-outs of an invocation (functionTimeout, 240 s of silence,
// the platform's 230 s), the limit of 100 MB on a body, WebSockets, the admin
// API, the home page, CORS, App Service Authentication, and triggers other than
// HTTP and timer. Nothing fires a timer but Host.Timer.
package fakehost
