import Foundation
import PrismCore
import Yams

/// A run's configuration in YAML. Keys are the configurations' fields in snake case, those of the run, of a dictionary and
/// of its training side by side; what is left out keeps its default.
///
///     model: models/SmolLM2-135M-Instruct.Q4_1.gguf
///     text: [data/corpus]
///     learning_rate: 0.001
///     sweep:
///       - {architecture: [topk, batchtopk], k: [16, 32, 64]}
///       - {architecture: jumprelu, target_l0: [16, 32, 64]}
///
/// `sweep` is a table, or a list of them: of each, all combinations of the listed values become dictionaries, named after
/// the values that vary unless there is a `name`. Without it there is one dictionary.
public struct ConfigurationFile {
    public let configuration: DiscoveryConfiguration

    /// - Throws: `PrismError.usage` or `.badData` that names the file and the key.
    public init(_ url: URL) throws {
        let text = String(decoding: try Files.read(url), as: UTF8.self)
        let root: Any?
        do {
            root = try Yams.load(yaml: text)
        } catch {
            let reason = "\(error)".split(separator: "\n").first.map(String.init) ?? "it is no YAML"
            throw PrismError.badData("\(url.path): \(reason); correct the YAML")
        }
        guard var settings = root as? [String: Any] else {
            throw PrismError.badData("\(url.path): expected keys with values at the top, such as `model: model.gguf`")
        }
        let sweep = settings.removeValue(forKey: "sweep")
        do {
            configuration = try Self.resolve(settings, sweep: sweep)
        } catch let error as PrismError {
            throw PrismError(error.kind, "\(url.path): \(error.message)")
        }
    }

    private static func resolve(_ settings: [String: Any], sweep: Any?) throws -> DiscoveryConfiguration {
        var run = try Layer(DiscoveryConfiguration())
        var contexts = try Layer(run.configuration.contexts)
        var dictionary = try Layer(DictionaryConfiguration())
        var training = try Layer(dictionary.configuration.training)
        for (key, value) in settings.sorted(by: { $0.key < $1.key }) {
            // The run's seed is also where the dictionaries' begins.
            var taken = try key == "batch" ? run.set(key, value) : training.set(key, value)
            taken = try contexts.set(key, value) || taken
            taken = try dictionary.set(key, value) || taken
            taken = try run.set(key, value) || taken
            guard taken else {
                throw unknown(key, among: run.keys + contexts.keys + dictionary.keys + training.keys)
            }
        }
        run.configuration.contexts = contexts.configuration
        var dictionaries: [DictionaryConfiguration] = []
        for (choice, name) in try choices(sweep) {
            var (own, ownTraining) = (dictionary, training)
            for (key, value) in choice.sorted(by: { $0.key < $1.key }) {
                let isOne =
                    try ["batch", "steps"].contains(key) ? false : ownTraining.set(key, value) || own.set(key, value)
                guard isOne else {
                    let shared = ["batch", "steps"]
                    guard (run.keys + contexts.keys + shared).contains(key) else {
                        throw unknown(key, among: (own.keys + ownTraining.keys).filter { !shared.contains($0) })
                    }
                    throw PrismError.usage(
                        "‘\(key)’ cannot differ within a sweep: its dictionaries share one stream of vectors; "
                            + "put it outside ‘sweep’")
                }
            }
            own.configuration.training = ownTraining.configuration
            if own.configuration.name.isEmpty || !choice.keys.contains("name") { own.configuration.name = name }
            dictionaries.append(own.configuration)
        }
        run.configuration.dictionaries = dictionaries
        return run.configuration
    }

    private static func unknown(_ key: String, among known: [String]) -> PrismError {
        // `hook` is another name for a list of one.
        let names = Set(known + ["hook"]).sorted().joined(separator: ", ")
        return .usage("there is no setting ‘\(key)’; known here are \(names)")
    }

    /// All combinations that a sweep asks for, each with a name made of what varies.
    private static func choices(_ sweep: Any?) throws -> [([String: Any], String)] {
        guard let sweep else { return [([:], "")] }
        guard let tables = sweep as? [[String: Any]] ?? (sweep as? [String: Any]).map({ [$0] }), !tables.isEmpty else {
            throw PrismError.usage("‘sweep’ must be a table of settings with lists of values, or a list of such tables")
        }
        // A crosscoder's hook points are a list that is one value; a list of lists varies.
        func values(_ key: String, _ value: Any) -> [Any] {
            guard let list = value as? [Any] else { return [value] }
            return ["hooks", "target", "groups", "resample_steps"].contains(key) && !(list.first is [Any])
                ? [value] : list
        }
        var combinations: [[String: Any]] = []
        for table in tables {
            var partial: [[String: Any]] = [[:]]
            for key in table.keys.sorted() {
                guard (table[key] as? [Any])?.isEmpty != true else {
                    throw PrismError.usage("‘\(key)’ has no values to sweep over; list some or leave it away")
                }
                partial = partial.flatMap { choice in
                    values(key, table[key]!).map { choice.merging([key: $0]) { $1 } }
                }
            }
            combinations += partial
        }
        func text(_ value: Any?) -> String {
            (value as? [Any])?.map { text($0) }.joined(separator: "+") ?? value.map { "\($0)" } ?? ""
        }
        let speaking = ["baseline", "architecture", "hook", "hooks", "target"]
        let keys = Set(combinations.flatMap(\.keys)).filter { key in
            Set(combinations.compactMap { $0[key].map(text) }).count > 1
        }
        let ordered = speaking.filter(keys.contains) + keys.subtracting(speaking).sorted()
        return combinations.map { choice in
            let parts = ordered.filter { choice[$0] != nil }.map { key in
                speaking.contains(key) ? text(choice[key]) : "\(key)-\(text(choice[key]))"
            }
            return (choice, parts.joined(separator: "_"))
        }
    }
}

/// A configuration whose fields can be set by their names in snake case.
private struct Layer<Configuration: Codable> {
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
