import Foundation
import PrismCore
import PrismFormats

/// A file of a repository at one commit.
struct HubFile: Hashable {
    /// Its place in the repository; parts between slashes, none of which leads out of a folder.
    let path: String
    let size: Int
    /// SHA-256 of the content where the repository keeps the file in LFS (64 digits), else Git's name for it (40 digits).
    /// The hub sends it as the file's ETag, so the cache calls the file by it.
    let digest: String

    /// Whether these are the file's bytes.
    func matches(_ content: Data) -> Bool {
        digest == (digest.utf8.count == 64 ? Files.digest(content) : Files.gitDigest(content))
    }
}

/// What a repository holds at one commit, as the hub's API lists it: `sha`, and `siblings` with names, sizes and digests.
///
/// Nothing of it is trusted: a name that leads out of its folder, a missing digest or a negative size is an error.
struct HubListing {
    let commit: String
    let files: [HubFile]

    /// - Throws: `PrismError.badData` that says what is wrong with the list.
    init(_ json: Data, of reference: ModelReference) throws {
        let source = FileBytes(json, name: "the hub's list of \(reference)")
        let remedy = "try again, or another endpoint"
        let list = try JSONValue(source)
        guard let commit = list["sha"]?.string, commit.isDigest(ofLength: 40),
            let siblings = list["siblings"]?.array
        else { throw source.problem("it needs a commit ‘sha’ and a list ‘siblings’", remedy: remedy) }
        guard reference.commit ?? commit == commit else {
            throw source.problem("it is of another commit, \(commit)", remedy: remedy)
        }
        self.commit = commit
        files = try siblings.map { entry in
            guard let path = entry["rfilename"]?.string, Self.staysInside(path) else {
                throw source.problem(
                    "‘\(entry["rfilename"]?.string ?? "")’ is no name of a file inside a folder", remedy: remedy)
            }
            let large = entry["lfs"]
            guard let size = (large ?? entry)["size"]?.integer, size >= 0,
                let digest = large.map({ $0["sha256"]?.string }) ?? entry["blobId"]?.string,
                digest.isDigest(ofLength: large == nil ? 40 : 64)
            else { throw source.problem("‘\(path)’ lacks a size or a digest", remedy: remedy) }
            return HubFile(path: path, size: size, digest: digest)
        }
    }

    subscript(path: String) -> HubFile? { files.first { $0.path == path } }

    private static func staysInside(_ path: String) -> Bool {
        path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { !["", ".", ".."].contains($0) }
            && !path.utf8.contains { $0 < 0x20 || $0 == 0x7f || $0 == UInt8(ascii: "\\") }
    }
}
