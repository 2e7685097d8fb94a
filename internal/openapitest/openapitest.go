// Package openapitest tests that a client can be generated from the OpenAPI
// document of rbachttp, and works.
package openapitest

import _ "github.com/oapi-codegen/runtime" // which the client imports
