import Foundation
import PrismCore
import PrismHub
import PrismTestSupport
import Testing

@Suite struct ModelReferenceTests {
    @Test func namesAndRevisionsAreRead() throws {
        let plain = try ModelReference("HuggingFaceTB/SmolLM2-135M_v1.0")
        #expect(plain.repository == "HuggingFaceTB/SmolLM2-135M_v1.0" && plain.revision == "main")
        #expect(try ModelReference("a/b@refs/pr/3").revision == "refs/pr/3")
        #expect(try ModelReference("a/b@v1.0").description == "a/b@v1.0")
    }

    @Test(arguments: [
        "", "name", "a/b/c", "/b", "a/", "a/..", "../b", "a/.b", "-a/b", "a--b/c", "a b/c", "ä/b", "a/b\n",
        "https://huggingface.co/a/b", "a/" + String(repeating: "b", count: 97), "a/b@", "a/b@..", "a/b@x/../y",
        "a/b@/x", "a/b@x/", "a/b@x y", "a/b@x@y", "a/b@-x", "a/b@x?y", "@x", "a/b@x%2fy",
    ])
    func whatIsNoNameIsRefused(text: String) {
        let error = #expect(throws: PrismError.self) { try ModelReference(text) }
        #expect(error?.kind == .usage)
    }
}

/// The places are those of huggingface_hub's documentation, "Environment variables".
@Suite struct EnvironmentTests {
    @Test func theCacheIsWhereThePythonToolsLook() throws {
        func cache(_ environment: [String: String]) throws -> String {
            try ModelHub(environment: environment).cache.path
        }
        #expect(try cache(["HOME": "/h"]) == "/h/.cache/huggingface/hub")
        #expect(try cache(["HOME": "/h", "XDG_CACHE_HOME": "/x"]) == "/x/huggingface/hub")
        #expect(try cache(["HOME": "/h", "XDG_CACHE_HOME": "/x", "HF_HOME": "/f"]) == "/f/hub")
        #expect(try cache(["HF_HOME": "/f", "HF_HUB_CACHE": "/c"]) == "/c")
        #expect(try cache(["HOME": "/h", "HF_HUB_CACHE": "~/c"]) == "/h/c")
        #expect(try cache(["HOME": "/h", "HF_HUB_CACHE": ""]) == "/h/.cache/huggingface/hub")
    }

    @Test func theTokenComesFromTheFirstPlaceThatHasOne() throws {
        let hub = try LoopbackHub(files: ["config.json": Data()])
        defer { hub.stop() }
        try withTemporaryFolder { folder in
            func sent(_ more: [String: String]) throws -> String? {
                var environment = ["HF_HOME": folder.path, "HF_ENDPOINT": hub.endpoint.absoluteString]
                environment.merge(more) { $1 }
                _ = try ModelHub(environment: environment).pull(ModelReference("org/name"), files: ["config.json"])
                return hub.hub.requests.last?.headers["authorization"]
            }
            #expect(try sent([:]) == nil)
            try Data("home\n".utf8).write(to: folder.appending(path: "token"))
            try Data("path".utf8).write(to: folder.appending(path: "other"))
            #expect(try sent([:]) == "Bearer home")
            let other = ["HF_TOKEN_PATH": folder.appending(path: "other").path]
            #expect(try sent(other) == "Bearer path")
            #expect(try sent(other.merging(["HF_TOKEN": " variable\n"]) { $1 }) == "Bearer variable")
            #expect(try sent(other.merging(["HF_TOKEN": " "]) { $1 }) == "Bearer path")
        }
    }

    @Test func aTokenThatWouldBeAHeaderIsRefusedUnseen() throws {
        let error = #expect(throws: PrismError.self) { try ModelHub(environment: ["HF_TOKEN": "secret\r\nX-Other: 1"]) }
        #expect(error?.kind == .usage && error?.message.contains("secret") == false)
    }

    @Test(arguments: [
        "http://huggingface.co", "http://127.0.0.1.example.com", "http://10.0.0.1", "ftp://localhost", "localhost:80",
        "https://", "https://user:word@host", "", "no address", "https://host?x=1", "https://host#x",
    ])
    func endpointsMustBeSafe(address: String) {
        let error = #expect(throws: PrismError.self) { try ModelHub(endpoint: address, environment: [:]) }
        #expect(error?.kind == .usage)
    }

    @Test(arguments: ["https://host/path/", "http://localhost:1", "http://127.0.0.1:80", "http://[::1]:80"])
    func mirrorsAndTheMachineItselfAreTaken(address: String) throws {
        #expect(try ModelHub(endpoint: address, environment: [:]).endpoint.absoluteString == address)
    }
}
