import Foundation
import PrismCore
import PrismFormats
import Yams

/// Edits in YAML, a list whose entries name units, one change, and where:
///
/// ```yaml
/// - {latents: [1234, 99], dictionary: runs/books, add: 8, at: last}
/// - {neurons: [5, 7], layer: 3, ablate: mean}
/// - {heads: [2], layer: 9, ablate: zero, at: /Mary/}
/// - {direction: difference.npy, hook: blocks.15.hook_resid_post, multiply: 0, error: kept}
/// ```
public enum EditFile {
    /// - Throws: `PrismError.badData` that names the line or the edit, `.usage` for a file that is not there.
    public static func read(_ url: URL) throws -> [Edit] {
        let text = String(decoding: try Files.read(url), as: UTF8.self)
        let root: Node?
        do {
            root = try Yams.compose(yaml: text, .basic)
        } catch {
            let reason = "\(error)".split(separator: "\n").first.map(String.init) ?? "it is no YAML"
            throw PrismError.badData("\(url.path): \(reason); correct the YAML")
        }
        guard let entries = root?.sequence, !entries.isEmpty else {
            throw PrismError.badData("\(url.path) holds no list of edits, such as `- {latents: [12], ablate: zero}`")
        }
        return try entries.enumerated().map { number, entry in
            do {
                return try YAMLDecoder().decode(Entry.self, from: entry).edit(beside: url)
            } catch let error as PrismError {
                throw PrismError(.badData, "\(url.path), edit \(number + 1): \(error.message)")
            }
        }
    }

    private struct Entry: Decodable {
        var latents, neurons, heads: [Int]?
        var direction, dictionary, hook, ablate, replace, at, error: String?
        var layer: Int?
        var add, multiply, set: Float?

        private enum CodingKeys: String, CodingKey, CaseIterable {
            case latents, neurons, heads, direction, dictionary, hook, ablate, replace, at, error, layer, add, multiply,
                set

            /// What stands behind it.
            var kind: String {
                switch self {
                case .latents, .neurons, .heads: "a list of whole numbers"
                case .layer: "a whole number"
                case .add, .multiply, .set: "a number"
                case .direction, .dictionary, .hook, .ablate, .replace, .at, .error: "a text"
                }
            }
        }

        private struct AnyKey: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            guard let keys = try? decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue) else {
                throw PrismError.badData("expected keys with values, such as `latents: [12]`")
            }
            let known = CodingKeys.allCases.map(\.rawValue)
            if let stranger = keys.first(where: { !known.contains($0) }) {
                throw PrismError.badData(
                    "there is no key ‘\(stranger)’; the nearest is ‘\(stranger.nearest(among: known))’")
            }
            let values = try decoder.container(keyedBy: CodingKeys.self)
            func value<T: Decodable>(_ key: CodingKeys) throws -> T? {
                do {
                    return try values.decodeIfPresent(T.self, forKey: key)
                } catch {
                    throw PrismError.badData("‘\(key.rawValue)’ must be \(key.kind)")
                }
            }
            (latents, neurons, heads) = (try value(.latents), try value(.neurons), try value(.heads))
            (direction, dictionary, hook) = (try value(.direction), try value(.dictionary), try value(.hook))
            (ablate, replace, at, error) = (try value(.ablate), try value(.replace), try value(.at), try value(.error))
            (layer, add, multiply, set) = (try value(.layer), try value(.add), try value(.multiply), try value(.set))
        }

        func edit(beside url: URL) throws -> Edit {
            Edit(
                try units(beside: url), try change(), at: try at.map { try Edit.Positions($0) } ?? .all,
                keepsError: try keepsError())
        }

        private func units(beside url: URL) throws -> Edit.Units {
            /// What tells where units are; other units' keys would say nothing.
            func only<T>(_ value: T?, _ name: String, of units: String) throws -> T? {
                let given = [("dictionary", dictionary != nil), ("layer", layer != nil), ("hook", hook != nil)]
                if let stray = given.first(where: { $0.1 && $0.0 != name }) {
                    throw PrismError.usage("\(units) have no \(stray.0)")
                }
                return value
            }
            func needed<T>(_ value: T?, _ name: String, of units: String) throws -> T {
                guard let value = try only(value, name, of: units) else {
                    throw PrismError.usage("\(units) need their \(name)")
                }
                return value
            }
            switch (latents, neurons, heads, direction) {
            case (let latents?, nil, nil, nil):
                return .latents(latents, dictionary: try only(dictionary, "dictionary", of: "latents"))
            case (nil, let neurons?, nil, nil):
                return .neurons(neurons, layer: try needed(layer, "layer", of: "neurons"))
            case (nil, nil, let heads?, nil): return .heads(heads, layer: try needed(layer, "layer", of: "heads"))
            case (nil, nil, nil, let file?):
                let hook = try HookPoint(needed(hook, "hook", of: "directions"))
                let path = URL(filePath: file, relativeTo: url.deletingLastPathComponent())
                return .direction(try NpyFile(path).tensor().values, at: hook)
            default: throw PrismError.usage("name one of latents, neurons, heads and direction")
            }
        }

        private func change() throws -> Edit.Change {
            switch (ablate, add, multiply, set, replace) {
            case (let kind?, nil, nil, nil, nil): return try Edit.Change(ablation: kind)
            case (nil, let strength?, nil, nil, nil): return .add(strength)
            case (nil, nil, let factor?, nil, nil): return .multiply(factor)
            case (nil, nil, nil, let value?, nil): return .set(value)
            case (nil, nil, nil, nil, let prompt?): return .replace(prompt: prompt)
            default: throw PrismError.usage("name one change: ablate, add, multiply, set or replace")
            }
        }

        private func keepsError() throws -> Bool {
            switch error {
            case nil, "kept": return true
            case "dropped": return false
            case let other?: throw PrismError.usage("the error is kept or dropped, not ‘\(other)’")
            }
        }
    }
}

extension Edit.Change {
    /// - Throws: `PrismError.usage` unless it is `zero`, `mean` or `resample`.
    public init(ablation: String) throws {
        let kinds: [String: Edit.Change] = ["zero": .zero, "mean": .mean, "resample": .resample]
        guard let known = kinds[ablation] else {
            throw PrismError.usage("units are ablated by zero, mean or resample, not ‘\(ablation)’")
        }
        self = known
    }
}
