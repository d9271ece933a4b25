import Foundation
import PrismCore
import Yams

/// A configuration whose fields can be set by their names in snake case.
struct YAMLSettings<Configuration: Codable> {
    var configuration: Configuration
    /// The fields' own names by those in snake case.
    private let names: [String: String]

    var keys: [String] { names.keys.filter { !["contexts", "dictionaries", "training"].contains($0) } }

    init(_ configuration: Configuration) throws {
        self.configuration = configuration
        let labels = Mirror(reflecting: configuration).children.compactMap(\.label)
        names = Dictionary(uniqueKeysWithValues: labels.map { ($0.snakeCased, $0) })
    }

    /// - Returns: whether there is such a field.
    mutating func set(_ key: String, _ value: Any) throws -> Bool {
        // One hook point may stand for a list of one.
        let isList = ["hook", "hooks", "target", "text"].contains(key) && value is String
        guard let name = names[key == "hook" ? "hooks" : key] else { return false }
        let data = try JSONEncoder().encode(configuration)
        guard let members = try JSONSerialization.jsonObject(with: data) as? [String: Any] else { return false }
        var readings: [Any?] = [isList ? [value] : value is NSNull ? nil : value]
        // YAML takes 1e-3, without a point, for a word.
        if let number = (value as? String).flatMap(Double.init) { readings.append(number) }
        for reading in readings {
            var changed = members
            changed[name] = reading
            do {
                configuration = try JSONDecoder().decode(
                    Configuration.self, from: JSONSerialization.data(withJSONObject: changed))
                return true
            } catch let error as PrismError {
                throw error
            } catch {
                continue
            }
        }
        throw PrismError.usage("‘\(key)’ cannot be ‘\(value)’")
    }
}

enum YAMLFile {
    /// The keys and values at the top of a YAML file.
    /// - Throws: `PrismError.badData` that names the file and the line.
    static func settings(_ url: URL) throws -> [String: Any] {
        let text = String(decoding: try Files.read(url), as: UTF8.self)
        let root: Any?
        do {
            root = try Yams.load(yaml: text)
        } catch {
            let reason = "\(error)".split(separator: "\n").first.map(String.init) ?? "it is no YAML"
            throw PrismError.badData("\(url.path): \(reason); correct the YAML")
        }
        guard let settings = root as? [String: Any] else {
            throw PrismError.badData("\(url.path): expected keys with values at the top, such as `seed: 1`")
        }
        return settings
    }
}

extension String {
    /// learningRate → learning_rate, targetL0 → target_l0, prependBOS → prepend_bos.
    fileprivate var snakeCased: String {
        var result = ""
        for character in self {
            if character.isUppercase, result.last?.isUppercase == false { result += "_" }
            result.append(character)
        }
        return result.lowercased()
    }
}
