import Algorithms
import PrismCore
import PrismModels
import PrismTensor

/// Activation patching: activations of one run of a pair are put into the other, and what the answer then is tells what
/// they carry (Vig et al. 2020; Meng et al. 2022; Wang et al. 2022; Heimersheim and Nanda 2024).
public struct Patching: Sendable {
    public var sites: [PatchingSite] = [.residual, .attention, .mlp, .heads]
    public var direction = PatchingDirection.denoising
    /// nil for all.
    public var layers: [Int]?
    /// The name of the position at which heads, units and senders are patched; nil for all that differ.
    public var position: String?
    /// Units to patch one by one, of those that attribution ranks first.
    public var top = 32
    /// Latents to patch instead of those.
    public var latents: [Int]?
    /// Where paths end; empty for the logits.
    public var receivers: [HeadInput] = []
    /// Whether paths go past MLPs and not through them.
    public var freezesMLPs = false

    public init() {}

    /// - dictionaries: of the model; whose latents are patched. model, task: names for readers.
    /// - Throws: `PrismError.usage` for layers, latents, heads or positions that are not there, `.badData` where the model does
    ///   not answer the prompts differently.
    public func report(
        on model: Transformer, _ pairs: [PromptPair], dictionaries: [PlacedDictionary] = [],
        named names: (model: String, task: String),
        workers: Workers = Workers()
    ) throws -> PatchingReport {
        let layers = try checkedLayers(model)
        try check(dictionaries, model)
        let positions = try pairs.indices.map { try patched(pairs[$0], number: $0) }
        let places = sites.flatMap { site -> [HookPoint] in
            switch site {
            case .latents: dictionaries.flatMap { [$0.reads, $0.writes] }
            case .paths: PathPatching.hooks(model.configuration.layerCount)
            default: layers.map(site.hook)
            }
        }
        let runs = try PairedRuns(model, pairs, direction, patching: places, workers: workers)
        var maps: [PatchingMap] = []
        var units: [UnitEffects] = []
        for site in sites {
            switch site {
            case .neurons: units.append(try effects(neurons(layers, runs), at: positions, runs))
            case .latents: units += try spaces(dictionaries, runs).map { try effects($0, at: positions, runs) }
            default: maps.append(try map(site, layers, at: positions, runs))
            }
        }
        let odds = [runs.baseOdds, runs.sourceOdds].map(PatchingReport.Answering.init)
        let isDenoising = direction == .denoising
        return PatchingReport(
            record: .init(
                model: names.model, task: names.task, direction: direction, pairs: pairs.count,
                clean: odds[isDenoising ? 1 : 0], corrupt: odds[isDenoising ? 0 : 1], maps: maps, units: units))
    }

    private func map(
        _ site: PatchingSite, _ layers: [Int], at positions: [Range<Int>], _ runs: PairedRuns
    ) throws -> PatchingMap {
        let progress = Progress(site.title, total: layers.count, unit: "layers")
        defer { progress.finish() }
        switch site {
        case .heads: return try PatchingMap(headsOf: layers, at: positions, runs, progress: progress)
        case .paths:
            let paths = PathPatching(runs: runs, positions: positions, receivers: receivers, freezesMLPs: freezesMLPs)
            return try PatchingMap(paths, layers: layers, progress: progress)
        default: return try PatchingMap(site, layers: layers, runs, progress: progress)
        }
    }

    private func effects(_ space: PatchedUnits, at positions: [Range<Int>], _ runs: PairedRuns) throws -> UnitEffects {
        let gradients = try runs.gradients(at: space.hooks)
        let progress = Progress(space.name, total: top, unit: "units")
        defer { progress.finish() }
        return try UnitEffects(
            space, gradients: space.hooks.map { gradients[$0] }, at: positions, runs, top: top,
            only: space.differences == nil ? nil : latents, progress: progress)
    }

    private func neurons(_ layers: [Int], _ runs: PairedRuns) -> PatchedUnits {
        PatchedUnits(
            name: layers.count == 1 ? "neurons of layer \(layers[0])" : "neurons",
            hooks: layers.map { .neurons(layer: $0) },
            widths: layers.map { _ in runs.model.configuration.mlpWidth }, differences: nil)
    }

    /// Of each dictionary its latents, and beside them the numbers of the activation that it writes.
    private func spaces(_ dictionaries: [PlacedDictionary], _ runs: PairedRuns) -> [PatchedUnits] {
        let places = dictionaries.map(\.writes).uniqued()
        let beside = places.map { hook in
            PatchedUnits(
                name: "axes of \(hook)", hooks: [hook], widths: [runs.model.configuration.width(at: hook)],
                differences: nil)
        }
        return dictionaries.map { placed in
            PatchedUnits(
                name: "latents of \(placed.name)", hooks: [placed.writes],
                widths: [runs.model.configuration.width(at: placed.writes)],
                differences: LatentDifferences(
                    placed, base: runs.base[placed.reads], source: runs.source[placed.reads], workers: runs.workers))
        } + beside
    }

    // MARK: Checks

    private func checkedLayers(_ model: Transformer) throws -> [Int] {
        let all = 0..<model.configuration.layerCount
        guard let layers else { return Array(all) }
        if let stranger = layers.first(where: { !all.contains($0) }) {
            throw PrismError.usage("there is no layer \(stranger): the model's layers are 0 to \(all.upperBound - 1)")
        }
        return Array(Set(layers)).sorted()
    }

    private func check(_ dictionaries: [PlacedDictionary], _ model: Transformer) throws {
        guard sites.contains(.latents) == !dictionaries.isEmpty else {
            throw PrismError.usage(
                dictionaries.isEmpty
                    ? "latents are those of a dictionary: name a run instead of the model"
                    : "a run’s latents are patched with --site latents; name the model for the other sites alone")
        }
        for placed in dictionaries {
            let count = placed.dictionary.latentCount
            if let stranger = latents?.first(where: { !(0..<count).contains($0) }) {
                throw PrismError.usage("there is no latent \(stranger): \(placed.name) has \(count), counted from 0")
            }
        }
        if latents != nil, dictionaries.count != 1 {
            throw PrismError.usage("numbers of latents are those of one dictionary: name one run")
        }
        for receiver in receivers { _ = try receiver.columns(in: model.configuration) }
        guard receivers.isEmpty || receivers.contains(where: { $0.layer > 0 }) else {
            throw PrismError.usage("nothing is sent to layer 0: name a receiver behind it")
        }
    }

    /// The positions of a pair at which heads, units and senders are patched.
    private func patched(_ pair: PromptPair, number: Int) throws -> Range<Int> {
        guard let position else { return pair.firstDifference..<pair.clean.count }
        let names = pair.clean.indices.map(pair.name)
        guard let place = names.firstIndex(of: position) else {
            throw PrismError.usage(
                "pair \(number) has no position ‘\(position)’; its positions are \(names.joined(separator: ", "))")
        }
        return place..<place + 1
    }
}
