import ArgumentParser
import Foundation
import PrismCore

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measures speed as a ratio to the hardware's floor, within one run.",
        subcommands: [
            BenchTrain.self, BenchEncode.self, BenchHarvest.self, BenchFamilies.self, BenchModel.self, BenchCausal.self,
            BenchLab.self,
        ])
}

/// Seconds that `body` takes.
func seconds(_ body: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    return try clock.measure(body) / .seconds(1)
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

/// The most memory this process has held so far, in bytes.
func peakMemory() -> Int {
    var usage = rusage()
    #if os(Linux)
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss * 1024
    #else
        getrusage(RUSAGE_SELF, &usage)
        return usage.ru_maxrss
    #endif
}

/// Prints figures as JSON, or as aligned lines for people.
func printFigures(_ figures: [(name: String, value: Double)], json: Bool) throws {
    if json {
        let object = Dictionary(uniqueKeysWithValues: figures.map { ($0.name, $0.value) })
        print(String(decoding: try JSONEncoder.prism.encode(object), as: UTF8.self))
    } else {
        let width = (figures.map(\.name.count).max() ?? 0) + 2
        for (name, value) in figures {
            print(
                name.replacingOccurrences(of: "_", with: " ").padding(toLength: width, withPad: " ", startingAt: 0),
                terminator: "")
            print(value >= 1000 ? "\(Int(value))" : String(format: "%.3f", value))
        }
    }
}
