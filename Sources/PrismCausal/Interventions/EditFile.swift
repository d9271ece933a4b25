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
    /// - Throws: `PrismError.badData` that names the entry, `.usage` for a file that is not there.
    public static func read(_ url: URL) throws -> [Edit] {
        let text = String(decoding: try Files.read(url), as: UTF8.self)
        let entries: [Entry]
        do {
            entries = try YAMLDecoder().decode([Entry].self, from: text)
        } catch {
            throw PrismError.badData("\(url.path) is no list of edits in YAML: \(cause(error))")
        }
        guard !entries.isEmpty else { throw PrismError.badData("\(url.path) holds no edit") }
        return try entries.enumerated().map { number, entry in
            do {
                return try entry.edit(beside: url)
            } catch let error as PrismError {
                throw PrismError(.badData, "\(url.path), edit \(number + 1): \(error.message)")
            }
        }
    }

    private static func cause(_ error: any Error) -> String {
        switch error {
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context), DecodingError.keyNotFound(_, let context):
            (context.codingPath.map(\.stringValue) + [context.debugDescription]).joined(separator: ": ")
        default: "\(error)"
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
        }

        private struct AnyKey: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            for key in try decoder.container(keyedBy: AnyKey.self).allKeys
            where CodingKeys(rawValue: key.stringValue) == nil {
                let known = CodingKeys.allCases.map(\.rawValue)
                throw DecodingError.dataCorrupted(
                    .init(
                        codingPath: decoder.codingPath,
                        debugDescription:
                            "there is no ‘\(key.stringValue)’; the nearest is ‘\(key.stringValue.nearest(among: known))’"
                    ))
            }
            let values = try decoder.container(keyedBy: CodingKeys.self)
            func value<T: Decodable>(_ key: CodingKeys) throws -> T? { try values.decodeIfPresent(T.self, forKey: key) }
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
            func needed<T>(_ value: T?, _ name: String, _ of: String) throws -> T {
                guard let value else { throw PrismError.usage("\(of) need their \(name)") }
                return value
            }
            switch (latents, neurons, heads, direction) {
            case (let latents?, nil, nil, nil): return .latents(latents, dictionary: dictionary)
            case (nil, let neurons?, nil, nil): return .neurons(neurons, layer: try needed(layer, "layer", "neurons"))
            case (nil, nil, let heads?, nil): return .heads(heads, layer: try needed(layer, "layer", "heads"))
            case (nil, nil, nil, let file?):
                let path = URL(filePath: file, relativeTo: url.deletingLastPathComponent())
                return .direction(
                    try NpyFile(path).tensor().values, at: try HookPoint(needed(hook, "hook", "directions")))
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
