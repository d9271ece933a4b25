import Foundation
import PrismActivations
import PrismCore
import PrismTestSupport
import Testing

@Suite struct CorpusTests {
    func write(_ files: [String: String], to folder: URL) throws {
        for (name, text) in files {
            let url = folder.appending(path: name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
    }

    @Test func takesAllFilesBelowAFolderButHiddenOnes() throws {
        try withTemporaryFolder { folder in
            try write(
                [
                    "text/b.txt": "b", "text/a/deep/er/c.md": "c", "text/a/no-ending": "d", "text/.hidden": "x",
                    "text/.git/config": "x", "text/a/.partial/e.txt": "x",
                ], to: folder)
            let corpus = try Corpus(paths: [folder.appending(path: "text")])
            #expect(corpus.documents.map(\.name) == ["a/deep/er/c.md", "a/no-ending", "b.txt"])
            #expect(corpus.documents.map(\.source) == ["er", "a", "text"])
            let texts = try corpus.documents.map { String(decoding: try Files.read($0.url), as: UTF8.self) }
            #expect(texts == ["c", "d", "b"])
        }
    }

    @Test func takesFilesAsTheyAre() throws {
        try withTemporaryFolder { folder in
            try write(["books/one.txt": "1", "letters/two.txt": "2", "letters/three.txt": "3"], to: folder)
            let paths = ["letters/two.txt", "books"].map { folder.appending(path: $0) }
            let documents = try Corpus(paths: paths).documents
            #expect(documents.map(\.name) == ["one.txt", "two.txt"])
            #expect(documents.map(\.source) == ["books", "letters"])
        }
    }

    /// The order of arguments and the file system's own say nothing: equal names give an equal order.
    @Test func orderFollowsFromTheNames() throws {
        try withTemporaryFolder { folder in
            let names = (0..<40).map { "d\($0 % 7)/f\($0).txt" }
            try write(Dictionary(uniqueKeysWithValues: names.map { ($0, $0) }), to: folder.appending(path: "x"))
            try write(["same.txt": "from y"], to: folder.appending(path: "y"))
            try write(["same.txt": "from z"], to: folder.appending(path: "z"))
            let paths = ["x", "y", "z"].map { folder.appending(path: $0) }
            let one = try Corpus(paths: paths).documents
            let other = try Corpus(paths: paths.reversed()).documents
            #expect(one.map(\.url) == other.map(\.url))
            #expect(one.count == 42 && Set(one).count == 42)
        }
    }

    @Test func followsALinkToAFolder() throws {
        try withTemporaryFolder { folder in
            try write(["real/a.txt": "a", "real/sub/b.txt": "b"], to: folder)
            let link = folder.appending(path: "link")
            try FileManager.default.createSymbolicLink(at: link, withDestinationURL: folder.appending(path: "real"))
            let documents = try Corpus(paths: [link]).documents
            #expect(documents.map(\.name) == ["a.txt", "sub/b.txt"])
            #expect(documents.map(\.source) == ["link", "sub"])
        }
    }

    @Test func refusesWhatIsNotThere() throws {
        try withTemporaryFolder { folder in
            let missing = folder.appending(path: "missing")
            let error = #expect(throws: PrismError.self) { try Corpus(paths: [missing]) }
            #expect(error?.kind == .usage && error?.message.contains(missing.path) == true)
            let empty = #expect(throws: PrismError.self) { try Corpus(paths: [folder]) }
            #expect(empty?.kind == .usage && empty?.message.contains(folder.path) == true)
        }
    }
}
