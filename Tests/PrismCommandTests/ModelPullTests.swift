import Foundation
import PrismCore
import PrismTestSupport
import Testing

/// `prism model pull` from a hub on this machine.
@Suite(.serialized) struct ModelPullTests {
    private let secret = "hf_secret"

    /// Runs a pull with a cache in the folder and expects that it says nothing of the token.
    private func pull(
        _ arguments: [String], in folder: URL, environment: [String: String] = [:],
        whileRunning body: (Int32, () -> Bool) throws -> Void = { _, _ in }
    ) throws -> Outcome {
        let settings = ["HF_HUB_CACHE": folder.appending(path: "cache").path, "HF_TOKEN": secret]
        let outcome = try Command(
            ["model", "pull"] + arguments, in: folder, environment: settings.merging(environment) { $1 }
        ).run(whileRunning: body)
        #expect(!outcome.output.contains(secret) && !outcome.errors.contains(secret))
        return outcome
    }

    @Test(arguments: [
        "name", "a/b/c", "../b", "a/..", "/a/b", "a b/c", "a/b@", "a/b@..", "a/b@x/../../y",
        "https://huggingface.co/a/b",
        "",
    ])
    func whatNamesNoModelIsWrongUsage(reference: String) throws {
        try withTemporaryFolder { folder in
            // Where nothing listens, so that a mistake here reaches nobody.
            let outcome = try pull([reference, "--endpoint", "http://127.0.0.1:9"], in: folder)
            expectFailure(outcome, 64, mentions: reference.contains("@") ? "revision" : "ORG/NAME")
            #expect(outcome.output.isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        }
    }

    @Test func anEndpointMustBeSafe() throws {
        try withTemporaryFolder { folder in
            expectFailure(try pull(["a/b", "--endpoint", "http://10.255.255.1"], in: folder), 64, mentions: "https")
            let mirror = ["HF_ENDPOINT": "http://10.255.255.1"]
            expectFailure(try pull(["a/b"], in: folder, environment: mirror), 64, mentions: "https")
        }
    }

    @Test func thePathIsOneLineAndTheModelOpens() throws {
        try withTemporaryFolder { folder in
            let source = folder.appending(path: "source")
            try Inputs.writeModel(to: source)
            let names = try FileManager.default.contentsOfDirectory(atPath: source.path).sorted()
            let files = try Dictionary(
                uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: source.appending(path: $0))) })
            let hub = try LoopbackHub(files: files)
            defer { hub.stop() }
            let outcome = try pull(["org/name", "--endpoint", hub.endpoint.absoluteString], in: folder)
            #expect(outcome.status == 0 && outcome.complaints.isEmpty, "\(outcome.complaints)")
            let path = folder.appending(path: "cache/models--org--name/snapshots/\(LoopbackHub.commit)").path
            #expect(outcome.output == path + "\n")
            #expect(try FileManager.default.contentsOfDirectory(atPath: path).sorted() == names)
            #expect(try prism("model", "info", path, in: folder).output.contains("family        llama"))

            let transfers = hub.transfers
            let environment = ["HF_ENDPOINT": hub.endpoint.absoluteString]
            #expect(try pull(["org/name"], in: folder, environment: environment).output == path + "\n")
            #expect(hub.transfers == transfers)
            expectFailure(
                try pull(["org/name", "--file", "no.gguf"], in: folder, environment: environment), 64,
                mentions: "no.gguf")
        }
    }

    @Test func aFileThatIsNotWhatTheHubListsIsBadData() throws {
        let files = ["model.gguf": Data("right".utf8)]
        let hub = try LoopbackHub(files: files, tamperStorage: { _, _ in .init(200, body: Data("wrong".utf8)) })
        defer { hub.stop() }
        try withTemporaryFolder { folder in
            let call = ["org/name", "--endpoint", hub.endpoint.absoluteString, "--file", "model.gguf"]
            expectFailure(try pull(call, in: folder), 65, mentions: "‘model.gguf’", "digest")
        }
    }

    @Test func ctrlCKeepsWhatHasArrived() throws {
        let content = LoopbackHub.content(200_000)
        let hub = try LoopbackHub(
            files: ["model.gguf": content],
            tamperStorage: { request, reply in
                guard request.headers["range"] == nil else { return reply }
                var reply = reply
                (reply.cut, reply.silence) = (50_000, .seconds(20))
                return reply
            })
        defer { hub.stop() }
        try withTemporaryFolder { folder in
            let call = ["org/name", "--endpoint", hub.endpoint.absoluteString, "--file", "model.gguf"]
            let model = folder.appending(path: "cache/models--org--name")
            let partial = model.appending(path: "blobs/\(Files.digest(content)).incomplete").path
            let outcome = try pull(call, in: folder) { process, isRunning in
                let limit = ContinuousClock.now + .seconds(20)
                func size() -> Int {
                    (try? FileManager.default.attributesOfItem(atPath: partial)[.size] as? Int) ?? 0
                }
                while size() < 50_000, isRunning(), ContinuousClock.now < limit { usleep(1000) }
                kill(process, SIGINT)
            }
            expectFailure(outcome, 1, mentions: "interrupted", "is kept")
            #expect(outcome.output.isEmpty)
            let second = try pull(call, in: folder)
            #expect(second.status == 0, "\(second.complaints)")
            #expect(hub.storage.requests.map { $0.headers["range"] } == [nil, "bytes=50000-"])
            let path = second.output.trimmingCharacters(in: .newlines) + "/model.gguf"
            #expect(try Data(contentsOf: URL(filePath: path)) == content)
        }
    }
}
