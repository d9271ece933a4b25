import Foundation
import PrismCore

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
        var settings = try YAMLFile.settings(url)
        let sweep = settings.removeValue(forKey: "sweep")
        do {
            configuration = try Self.resolve(settings, sweep: sweep)
        } catch let error as PrismError {
            throw PrismError(error.kind, "\(url.path): \(error.message)")
        }
    }

    private static func resolve(_ settings: [String: Any], sweep: Any?) throws -> DiscoveryConfiguration {
        var run = try YAMLSettings(DiscoveryConfiguration())
        var contexts = try YAMLSettings(run.configuration.contexts)
        var dictionary = try YAMLSettings(DictionaryConfiguration())
        var training = try YAMLSettings(dictionary.configuration.training)
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
